// The containers, as far as files tell: compose.yaml is what the specification wants, and
// neither it nor the Dockerfile gives anything away. `make check-containers` runs them.
//
// Failures this catches: a key that compose does not know, an image without an exact
// version, a service without a health check or with more rights than it needs, a database
// that is published, a password in a file, a mounted file or a copied one that is not
// there, a variable that a program reads and nobody sets.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import dockerfileUtils from 'dockerfile-utils';
import { compose, gateway, stages } from './containers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name) => readFileSync(`${root}${name}`, 'utf8');
const file = compose();
const services = Object.entries(file.services);
const version = /^default_version *= *'(.*)'/m.exec(read('agent.control'))[1];
const built = stages();

// The stage of the Dockerfile that a service is built from, if it is.
function stageOf(service) {
    return built.find((stage) => stage.name === service.build?.target);
}

function step(stage, name) {
    return stage.steps.find((one) => one.name === name);
}

// dclint carries the schema of the compose specification.
test('compose.yaml is what the specification wants', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, logger: false, validateFormats: false });
    const schema = JSON.parse(read('http_tests/node_modules/dclint/schemas/compose.schema.json'));
    const validate = ajv.compile({ ...schema, $schema: undefined });

    assert.ok(validate(file), JSON.stringify(validate.errors, null, 1));
    assert.ok(!validate({ ...file, services: { a: { imagination: 'x' } } }), 'and it would be noticed');
});

test('the Dockerfile has no faults that a linter knows', () => {
    assert.deepEqual(dockerfileUtils.validate(read('gateway/Dockerfile')).map(({ message, range }) =>
        `${range.start.line + 1}: ${message}`), []);
});

test('every image has an exact version', () => {
    const images = [...built.map((stage) => stage.from), ...services.map(([, service]) => service.image)];

    for (const image of images) {
        assert.match(image, /^[a-z/-]+:(v?\d+\.\d+\.\d+|v\d+\.\d+|trixie-\d{8}-slim)(@sha256:[0-9a-f]{64})?$/, image);
    }
    assert.equal(new Set(built.map((stage) => stage.from)).size, 1, 'all stages begin with the same');
    for (const [name, service] of services.filter(([, one]) => one.build)) {
        assert.equal(service.image, `agent-${name}:${version}`);
        assert.ok(stageOf(service), `the Dockerfile has ${service.build.target}`);
        assert.ok(existsSync(`${gateway}${service.build.context}/${service.build.dockerfile}`));
    }
});

for (const [name, service] of services) {
    test(`${name} has no more rights than it needs`, () => {
        assert.match(service.user, /^[1-9]\d*:\d+$/);
        assert.equal(service.read_only, true);
        assert.deepEqual(service.cap_drop, ['ALL']);
        assert.deepEqual(service.security_opt, ['no-new-privileges:true']);
        for (const key of ['privileged', 'cap_add', 'devices', 'network_mode', 'pid', 'ipc', 'userns_mode']) {
            assert.ok(!(key in service), key);
        }
        assert.ok(!JSON.stringify(service.volumes ?? []).includes('docker.sock'));
    });

    test(`${name} is watched, and comes back`, () => {
        assert.equal(service.healthcheck.test[0], 'CMD');
        for (const key of ['interval', 'timeout', 'retries', 'start_period']) {
            assert.ok(service.healthcheck[key], key);
        }
        assert.equal(service.restart, 'unless-stopped');
        for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
            assert.equal(condition, 'service_healthy');
            assert.ok(file.services[other], other);
        }
    });

    test(`${name} finds what it is given`, () => {
        for (const volume of service.volumes ?? []) {
            const [from, to, mode] = volume.split(':');
            assert.match(to, /^\//);
            if (from.startsWith('.')) {
                assert.ok(existsSync(`${gateway}${from}`), from);
                assert.equal(mode, 'ro', volume);
            } else {
                assert.ok(from in file.volumes, from);
            }
        }
        assert.ok(service.networks.every((network) => network in file.networks));
        for (const [key, value] of Object.entries(service.environment ?? {})) {
            const secret = /\/run\/secrets\/(\w+)$/.exec(value)?.[1];
            assert.ok(!secret || service.secrets.includes(secret), `${key} names a secret that ${name} has`);
            assert.ok(secret || !/PASSWORD|TOKEN|SECRET|URI/.test(key), `${key} is no place for a secret`);
        }
    });
}

for (const [name, service] of services.filter(([, one]) => one.build)) {
    test(`${name} is run as its image was made for`, () => {
        const stage = stageOf(service);

        assert.equal(step(stage, 'USER').words[0], service.user);
        assert.deepEqual(service.healthcheck.test.slice(1), step(stage, 'HEALTHCHECK').words);
        for (const [key, value] of Object.entries(step(stage, 'HEALTHCHECK').flags)) {
            assert.equal(String(service.healthcheck[key.replace('-', '_')]), value, key);
        }
        for (const { words: [folder] } of stage.steps.filter((one) => one.name === 'VOLUME')) {
            assert.ok(service.volumes.some((volume) => volume.split(':')[1] === folder), folder);
        }
    });

    test(`every variable that ${name} reads is set`, () => {
        const entry = `${root}gateway/container/${step(stageOf(service), 'ENTRYPOINT').words[0]}`;

        if (existsSync(entry)) {
            const wanted = readFileSync(entry, 'utf8').match(/(?<![\/"])\b(AGENT|PG)[A-Z_]+\b/g)
                .filter((key) => !['PGPORT', 'PGPASSFILE', 'PGOPTIONS'].includes(key));
            assert.deepEqual([...new Set(wanted)].filter((key) => !(key in service.environment)), []);
        }
    });
}

test('only the gateway and Grafana are published, on this machine alone', () => {
    const published = services.filter(([, service]) => service.ports);

    assert.deepEqual(published.map(([name]) => name), ['gateway', 'grafana']);
    for (const [, service] of published) {
        assert.ok(service.ports.every((port) => /^127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:\d+$/.test(port)));
    }
});

test('the database is reached by what serves requests alone', () => {
    const members = (network) => services.filter(([, service]) => service.networks.includes(network))
        .map(([name]) => name);

    assert.deepEqual(members('database'), ['postgres', 'httpd', 'postgrest']);
    assert.ok(Object.entries(file.networks).every(([name, network]) => network.internal
        || ['edge', 'dashboard'].includes(name)));
});

test('secrets are files that no image and no commit takes along', () => {
    const ignored = read('gateway/Dockerfile.dockerignore').split('\n');

    for (const { file: name } of Object.values(file.secrets)) {
        assert.match(name, /^\.\/secrets\/\w+$/);
        assert.match(read('scripts/secrets'), new RegExp(String.raw`\b${name.split('/').at(-1)}\b`));
    }
    assert.match(read('.gitignore'), /^\/gateway\/secrets\/$/m);
    assert.equal(ignored.find((line) => !line.startsWith('#')), '*');
    assert.ok(!ignored.some((line) => /^!gateway\/?(secrets.*)?$/.test(line)));
});

test('a step that nobody would go through is noticed', () => {
    assert.throws(() => stages('FROM debian:1.0.0 AS a\nADD https://example.com/x /x\n'), /what is this\? ADD/);
});

test('what the Dockerfile copies is there, and is let through', () => {
    const allowed = read('gateway/Dockerfile.dockerignore').split('\n').filter((line) => line.startsWith('!'))
        .map((line) => line.slice(1));

    for (const { flags, words } of built.flatMap((stage) => stage.steps.filter((one) => one.name === 'COPY'))) {
        for (const source of words.slice(0, -1)) {
            if (flags.from) {
                assert.ok(built.some((stage) => stage.name === flags.from), flags.from);
            } else {
                assert.ok(existsSync(`${root}${source}`), source);
                assert.ok(allowed.some((name) => source === name || source.startsWith(`${name}/`)), source);
            }
        }
    }
});

test('scripts of released versions are let through, though those that are built are not', () => {
    const lines = read('gateway/Dockerfile.dockerignore').split('\n');

    for (const [, name] of read('sql/released.sha256').matchAll(/ (\S+)$/gm)) {
        assert.ok(lines.indexOf(`!sql/${name}`) > lines.indexOf('sql/agent--*.sql'), name);
    }
});

test('Prometheus in a container differs by names alone', () => {
    const same = (text) => text.replaceAll(/^#.*\n/gm, '');

    assert.equal(same(read('gateway/container/prometheus.yml')), same(read('gateway/prometheus.yml'))
        .replace('credentials_file: agent-token', 'credentials_file: /run/secrets/metrics_token')
        .replace('127.0.0.1:8000', 'gateway:8000'));
});
