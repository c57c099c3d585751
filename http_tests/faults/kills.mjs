// Kills at random, one kind after the other, and measures how long nobody was answered.

import { setTimeout as sleep } from 'node:timers/promises';
import { fault } from './http.mjs';

const AT_ONCE = 0.2; // of the kills come while the one before is still being dealt with
const CALM = 300; // ms after a kill, in which an answer does not count as a sign of recovery yet
const SIGNS = 5; // answers that do
// For so many ms a kind is waited for: a writer is there only now and then, and the server may be coming back.
const ABSENT = 20_000;

// When each path acknowledged something: [{begun, ended}], in order.
export function watcher(paths) {
    const seen = Object.fromEntries(paths.map((path) => [path, []]));
    const gap = (acknowledged, since, until) => {
        const ends = acknowledged.map(({ ended }) => ended).filter((time) => time > since && time < until);
        return Math.max(
            0,
            ...[...ends, ...(until < Infinity ? [until] : [])].map((time, i, all) => time - (all[i - 1] ?? since))
        );
    };
    return {
        told: (path) => (begun, ended) => seen[path].push({ begun, ended }),
        answersSince: (time) =>
            paths.every((path) => seen[path].slice(-100).filter(({ begun }) => begun > time).length >= SIGNS),
        // The longest time without an acknowledgement.
        outage: (path, since, until) => gap(seen[path], since, until)
    };
}

const shuffled = (list, random) => list.map((one) => [random(), one]).sort(([a], [b]) => a - b).map(([, one]) => one);

// Kills one of a kind; false when there is none for too long. Meanwhile there is something to write.
async function kill({ signal, victims }, random, provoke) {
    const since = performance.now();
    let provoked = true;
    do {
        const there = victims();
        try {
            if (there.length) {
                process.kill(there[Math.floor(random() * there.length)], signal);
            }
            if (there.length) {
                return true;
            }
        } catch (error) {
            if (error.code !== 'ESRCH') {
                throw error;
            }
        }
        if (provoked) {
            provoked = false;
            provoke().then(() => {
                provoked = true;
            });
        }
        await sleep(20);
    } while (performance.now() - since < ABSENT);
    return false;
}

async function recovery(watch, since, limit, what) {
    for (;;) {
        if (watch.answersSince(since + CALM)) {
            return true;
        }
        if (performance.now() - since > limit) {
            break;
        }
        await sleep(20);
    }
    fault(`no answer for ${limit / 1000} s after the kill of: ${what}`);
    return false;
}

// Until the time is over, and each kind has come: [{name, at}], where two at once are one of their own kind.
export async function killing({ kinds, random, seconds, limit, watch, provoke }) {
    const done = [];
    const end = performance.now() + seconds * 1000;
    const once = shuffled(kinds, random);
    const next = () => once.pop() ?? kinds[Math.floor(random() * kinds.length)];
    const killed = new Map();
    while (once.length || performance.now() < end) {
        const names = [];
        let at;
        do {
            const kind = next();
            if (names.length) {
                await sleep(random() * 1500);
            }
            const when = performance.now();
            if (!(await kill(kind, random, provoke))) {
                if (!killed.has(kind.name)) {
                    fault(`there was no ${kind.name} to be killed`);
                }
                continue;
            }
            at ??= when;
            names.push(kind.name);
            killed.set(kind.name, (killed.get(kind.name) ?? 0) + 1);
        } while (names.length && random() < AT_ONCE);
        if (!names.length) {
            continue;
        }
        done.push({ name: names.length > 1 ? 'several at once' : names[0], at });
        if (!(await recovery(watch, performance.now(), limit, names.join(', ')))) {
            break;
        }
        await sleep(random() * 1000);
    }
    return { done, killed, ended: performance.now() };
}
