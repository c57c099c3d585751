// Reads gateway/Dockerfile and gateway/compose.yaml, for containers.test.mjs and for
// scripts/check-containers, which runs
//
//   node http_tests/containers.mjs stages            the steps of all stages
//   node http_tests/containers.mjs service NAME      what a service is given
//
// and evaluates the output: calls of functions of bash, one a line, by the names of the
// instructions and keys. Of both formats it knows what those two files use; anything else
// is an error, so that nothing is passed over.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const gateway = fileURLToPath(new URL('../gateway/', import.meta.url));

const instructions = ['FROM', 'RUN', 'COPY', 'ENV', 'USER', 'WORKDIR', 'VOLUME', 'EXPOSE', 'STOPSIGNAL',
    'HEALTHCHECK', 'ENTRYPOINT'];

// The instructions of a Dockerfile as { name, text }, without comments and line ends.
function instructionsOf(text) {
    const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line)).join('\n')
        .replaceAll(/\\\n\s*/g, '').split('\n');

    return lines.map((line) => {
        const [, name, rest] = /^([A-Z]+) +(.*?) *$/.exec(line) ?? [];
        if (!instructions.includes(name)) {
            throw new Error(`Dockerfile: what is this? ${line}`);
        }
        return { name, text: rest };
    });
}

// Flags as in --from=build, and the words after them.
function flagsOf(text) {
    const words = text.split(/ +/);
    const flags = {};

    while (words[0]?.startsWith('--')) {
        const [, name, value] = /^--([a-z-]+)=(.*)$/.exec(words.shift());
        flags[name] = value;
    }
    return { flags, words };
}

// The stages of a Dockerfile in its order: { name, from, steps: [{ name, ... }] }.
export function stages(text = readFileSync(`${gateway}Dockerfile`, 'utf8')) {
    const found = [];

    for (const { name, text: rest } of instructionsOf(text)) {
        if (name === 'FROM') {
            const [, from, stage] = /^(\S+) AS (\S+)$/.exec(rest);
            found.push({ name: stage, from, steps: [] });
            continue;
        }
        const step = { name };
        if (name === 'COPY') {
            Object.assign(step, flagsOf(rest));
        } else if (name === 'HEALTHCHECK') {
            const [, options, command] = /^(.*?) *CMD (.*)$/.exec(rest);
            Object.assign(step, { flags: flagsOf(options).flags, words: JSON.parse(command) });
        } else if (name === 'ENTRYPOINT') {
            step.words = JSON.parse(rest);
        } else if (name === 'ENV') {
            step.words = rest.split(/ +/);
        } else {
            step.words = [rest];
        }
        found.at(-1).steps.push(step);
    }
    return found;
}

export function compose(text = readFileSync(`${gateway}compose.yaml`, 'utf8')) {
    return parse(text, { merge: true });
}

// A call of a function of bash.
function call(name, ...words) {
    return [name, ...words.map((word) => `'${String(word).replaceAll("'", String.raw`'\''`)}'`)].join(' ');
}

function stageCalls() {
    return stages().flatMap((stage) => [call('FROM', stage.from, stage.name),
        ...stage.steps.map(({ name, flags, words }) => name === 'COPY'
            ? call(name, flags.from ?? '', flags.chmod ?? '', ...words) : call(name, ...words)),
        call('END')]);
}

function serviceCalls(name) {
    const service = compose().services[name];

    return [...Object.entries(service.environment ?? {}).map(([key, value]) => call('environment', `${key}=${value}`)),
        ...(service.secrets ?? []).map((secret) => call('secret', secret)),
        ...(service.volumes ?? []).map((volume) => call('volume', ...volume.split(':'))),
        ...(service.tmpfs ?? []).map((tmpfs) => call('tmpfs', ...tmpfs.split(/:(.*)/, 2))),
        ...(service.command ? [call('command', ...service.command)] : []),
        ...(service.read_only ? [call('read_only')] : []),
        ...(service.cap_drop ?? []).map((capability) => call('cap_drop', capability)),
        ...(service.security_opt ?? []).map((option) => call('security_opt', option)),
        call('user', ...service.user.split(':')),
        call('healthcheck', ...service.healthcheck.test.slice(1))];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const [what, name] = process.argv.slice(2);
    console.log((what === 'stages' ? stageCalls() : serviceCalls(name)).join('\n'));
}
