// `make faults`: clients that never give up, kills, and what is true afterwards. Started by scripts/faults, which has
// started everything else and keeps it running.
//
// FAULT_FOLDER                  where the files with process ids are
// GATEWAY_URL, POSTGREST_URL    whom to ask
// FAULT_SECONDS, FAULT_SEED, FAULT_OUTAGE, FAULT_CLIENTS   as in scripts/faults

import { checks } from './check.mjs';
import { dialects, ledger, person, provoker, pulse } from './clients.mjs';
import { counts, failures, faults, serverAt } from './http.mjs';
import { killing, watcher } from './kills.mjs';
import { kindsIn } from './processes.mjs';

const whole = (name, otherwise) => {
    const text = process.env[name] || String(otherwise);
    if (!/^[1-9]\d{0,8}$/.test(text)) {
        throw new Error(`${name} must be a whole number from 1`);
    }
    return Number(text);
};

const folder = process.env.FAULT_FOLDER;
const seconds = whole('FAULT_SECONDS', 60);
const seed = whole('FAULT_SEED', 1 + Math.floor(Math.random() * 1e9));
const limit = whole('FAULT_OUTAGE', 30) * 1000;
const clients = whole('FAULT_CLIENTS', 8);
const urls = { gateway: process.env.GATEWAY_URL, PostgREST: process.env.POSTGREST_URL };
const paths = Object.keys(urls);

// Mulberry32: the same numbers for the same seed. Clients have generators of their own, so that which of them is
// quicker does not change what is killed.
function generator(state) {
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

const api = (path) => dialects[path](serverAt(urls[path]));
const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
const ms = (time) => `${Math.round(time)} ms`;

// Two of three clients come through the gateway; two at least write to the same conversations.
async function gather(watch) {
    const loops = [];
    for (let i = 0; i < Math.max(2, Math.round(clients / 2)); i++) {
        loops.push(...(await person(api(paths[i % 3 === 2 ? 1 : 0]), 2, generator(seed + 1000 + i))));
    }
    for (const [i, path] of paths.entries()) {
        loops.push(await pulse(api(path), generator(seed + 2000 + i), watch.told(path)));
    }
    return loops;
}

// How long nobody was answered on a path, after each kill of a kind.
function outages({ done, ended }, watch, path) {
    const kinds = new Map();
    done.forEach(({ name, at }, i) => {
        kinds.set(name, [...(kinds.get(name) ?? []), watch.outage(path, at, done[i + 1]?.at ?? ended)]);
    });
    return [...kinds].map(([name, times]) => [name, times.sort((a, b) => a - b)]).sort();
}

function report(result, watch, time) {
    const row = (...cells) =>
        console.log(cells.map((cell, i) => (i ? String(cell).padStart(10) : String(cell).padEnd(28))).join(''));
    row('killed', 'times');
    for (const [name, times] of [...result.killed].sort()) {
        row(name, times);
    }
    row(
        'in all',
        [...result.killed.values()].reduce((sum, n) => sum + n, 0)
    );
    for (const path of paths) {
        console.log();
        row(`no answer: ${path}`, 'times', 'median', 'p95', 'longest');
        const all = outages(result, watch, path);
        for (const [name, times] of [...all, ['all', all.flatMap(([, times]) => times).sort((a, b) => a - b)]]) {
            row(name, times.length, ms(percentile(times, 0.5)), ms(percentile(times, 0.95)), ms(times.at(-1)));
        }
    }
    const reasons = [...failures].sort((a, b) => b[1] - a[1]).map(([how, n]) => `${how}: ${n}`).join(', ');
    console.log(`\n${counts.requests} requests, ${counts.acknowledged} acknowledged, ${counts.retried} sent again`
        + ` (${reasons})`);
    console.log(`${ledger.messages.size} messages, ${ledger.conversations.size} conversations,`
        + ` ${ledger.people.size} accounts in ${Math.round(time / 1000)} s\n`);
}

const watch = watcher(paths);
console.log(`FAULT_SECONDS=${seconds} FAULT_SEED=${seed}`);
const loops = await gather(watch);
const provoke = await provoker(api('gateway'));
const begun = performance.now();
let over = false;
const working = Promise.all(loops.map((loop) => loop(() => over)));
const result = await Promise.race([
    killing({ kinds: kindsIn(folder), random: generator(seed), seconds, limit, watch, provoke }),
    working.then(() => {
        throw new Error('the clients have ended');
    })
]);
over = true;
await working;
report(result, watch, performance.now() - begun);

const results = [
    ['every request was answered as it should, and every kill was got over', faults.slice(0, 10).join('\n    ')],
    ...(await checks(folder, provoke))
];
results.forEach(([name, wrong], i) =>
    console.log(wrong ? `not ok ${i + 1} - ${name}\n    ${wrong}` : `ok ${i + 1} - ${name}`)
);
const failed = results.filter(([, wrong]) => wrong).length;
console.log(`\n${results.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
