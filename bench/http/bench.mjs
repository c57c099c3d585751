// `make bench-http`: who does how much. Started by scripts/bench-http, which has started everything else.
//
// BENCH_CONTESTANTS   JSON: [{"name", "dialect": "classic" or "typed", "url", "everywhere", "groups": [{"name", "pid"}]}]; the
//                     first is what the others are compared with, if it is the peer. `everywhere`: at every number of connections
// BENCH_FOLDER        where the files of requests go
// BENCH_ROUNDS, BENCH_SECONDS, BENCH_CONNECTIONS, BENCH_ACCOUNTS   as in bench/README.md

import { writeFileSync } from 'node:fs'
import { CASES, check, checkLogin, logIn, loginsOf, requestsOf } from './cases.mjs'
import { load, settle } from './load.mjs'
import { against, figure, HEAD, median, row, serverCpu, table } from './report.mjs'

const contestants = JSON.parse(process.env.BENCH_CONTESTANTS)
const folder = process.env.BENCH_FOLDER
const rounds = Number(process.env.BENCH_ROUNDS ?? 3)
const seconds = Number(process.env.BENCH_SECONDS ?? 2)
const connections = (process.env.BENCH_CONNECTIONS ?? '16 64').split(' ').map(Number)
const accounts = Number(process.env.BENCH_ACCOUNTS ?? 50)
const peer = contestants.find(one => one.name === 'peer')
const gateway = contestants.find(one => one.name === 'gateway')
// PostgREST alone has the same pool as behind the gateway.
const flooded = contestants.filter(one => one.dialect === 'classic')

const results = new Map()
const key = (...parts) => parts.join('/')
const keep = (where, run) => results.set(where, [...(results.get(where) ?? []), run])
const fileOf = (contestant, name) => `${folder}/${contestant.name}-${name}.requests`.replaceAll(' ', '_')

// Every other time backwards, so that none always comes after the same one.
const inTurn = (list, turn) => turn % 2 ? [...list].reverse() : list

async function prepare () {
  for (const [i, one] of contestants.entries()) {
    const people = await logIn(one.url, one.dialect, accounts)
    // An account of its own, since a check leaves new conversations behind.
    one.bytes = await check(one.url, one.dialect, people[i])
    await checkLogin(one.url, one.dialect)
    for (const wanted of CASES) writeFileSync(fileOf(one, wanted.name), requestsOf(wanted, one.dialect, people))
    writeFileSync(fileOf(one, 'login'), loginsOf(one.dialect, 16))
  }
  // Connections are opened and statements prepared before anything counts.
  for (const one of contestants) {
    for (const wanted of CASES) await load(one.url, fileOf(one, wanted.name), { connections: 16, seconds: 1 })
  }
}

async function measureRoutes () {
  for (let round = 0; round < rounds; round++) {
    for (const c of connections) {
      for (const wanted of CASES) {
        for (const one of inTurn(contestants, round).filter(one => one.everywhere || c === connections[0])) {
          keep(key(one.name, wanted.name, c), await load(one.url, fileOf(one, wanted.name), { connections: c, seconds, groups: one.groups }))
        }
      }
    }
  }
}

async function measureLogins () {
  for (const one of contestants) {
    keep(key(one.name, 'login'), await load(one.url, fileOf(one, 'login'), { connections: 8, seconds: Math.max(5, seconds), groups: one.groups }))
    await settle(one.groups)
  }
}

// Four readers at ease, and the same four while sixteen others do nothing but log in.
async function measureFlood () {
  const read = one => load(one.url, fileOf(one, 'list of 10'), { connections: 4, seconds, groups: one.groups })
  for (let round = 0; round < rounds; round++) {
    for (const one of inTurn(flooded, round)) {
      keep(key(one.name, 'idle'), await read(one))
      const flood = load(one.url, fileOf(one, 'login'), { connections: 16, seconds: seconds + 2 })
      await new Promise(resolve => setTimeout(resolve, 1000))
      keep(key(one.name, 'busy'), await read(one))
      keep(key(one.name, 'flood'), await flood)
      await settle(one.groups)
    }
  }
}

function reportRoutes (c) {
  console.log(`\n== ${c} connections`)
  const rows = []
  for (const wanted of CASES) {
    contestants.forEach((one, i) => {
      const runs = results.get(key(one.name, wanted.name, c))
      if (runs) rows.push(row(i ? '' : wanted.name, one.name, runs))
    })
  }
  table(HEAD, rows)
}

function reportLogins () {
  console.log('\n== login, 8 connections')
  table(HEAD, contestants.map((one, i) => row(i ? '' : 'login', one.name, results.get(key(one.name, 'login')))))
}

// A ratio is the median of the rounds' ratios: in a round the two come right after each other.
function ratio (name, c, of) {
  const [ours, theirs] = [gateway, peer].map(one => results.get(key(one.name, name, c)))
  return median(ours.map((run, round) => of(run) / of(theirs[round])))
}

function reportRatios () {
  console.log('\n== gateway : peer')
  const rows = []
  for (const wanted of CASES) {
    for (const c of connections) {
      const rate = ratio(wanted.name, c, run => run.rate)
      const p99 = ratio(wanted.name, c, run => run.p99)
      rows.push([c === connections[0] ? wanted.name : '', `${c} connections`, figure(rate), against(rate, `at least ${wanted.limit}`, rate >= wanted.limit),
        figure(p99), against(p99, 'at most 1', p99 <= 1), figure(ratio(wanted.name, c, serverCpu))])
    }
  }
  table(['', '', 'requests/s', 'limit', 'p99', 'limit', 'CPU'], rows)
}

function reportFlood () {
  console.log('\n== list of 10 for 4 connections, while 16 others log in')
  table(['', '', 'p99 idle', 'p99 flooded', 'ratio', 'limit', 'requests/s', 'logins/s', 'bad'], flooded.map(one => {
    const [idle, busy, flood] = ['idle', 'busy', 'flood'].map(what => results.get(key(one.name, what)))
    const of = (runs, what) => median(runs.map(run => run[what]))
    const worse = median(busy.map((run, round) => run.p99 / idle[round].p99))
    const bad = [...idle, ...busy, ...flood].reduce((total, run) => total + run.bad, 0)
    return ['', one.name, figure(of(idle, 'p99')), figure(of(busy, 'p99')), figure(worse), against(worse, 'at most 10', worse <= 10),
      figure(of(busy, 'rate')), figure(of(flood, 'rate')), String(bad)]
  }))
}

function reportBytes () {
  console.log('\n== bytes of an answer')
  table(['', '', ...CASES.map(wanted => wanted.name)], contestants.map(one => ['', one.name, ...CASES.map(wanted => String(one.bytes[wanted.name]))]))
}

await prepare()
await measureRoutes()
await measureLogins()
await measureFlood()
reportBytes()
connections.forEach(reportRoutes)
reportLogins()
if (peer && gateway) reportRatios()
reportFlood()
if ([...results.values()].flat().some(run => run.bad)) {
  console.log('\nSome requests failed: see the column `bad`.')
  process.exitCode = 1
}
