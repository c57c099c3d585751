// Runs wrk, and reads what every group of processes spends meanwhile.

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url))

const read = (file, otherwise = '') => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return otherwise
  }
}

// [pid, parent, user, system, children's user, children's system] of all processes, times in ticks of 10 ms.
function processes () {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(pid => {
    const fields = read(`/proc/${pid}/stat`).replace(/^.*\) /s, '').split(' ')
    return [Number(pid), ...[1, 11, 12, 13, 14].map(i => Number(fields[i] ?? 0))]
  })
}

// Processor time so far, in ms, of a process and all below it. What has ended since is counted among its parent's children.
function spent (root, all) {
  const found = [root]
  let ticks = 0
  for (let i = 0; i < found.length; i++) {
    for (const [pid, parent, ...times] of all) {
      if (pid === found[i]) ticks += times.reduce((sum, time) => sum + time, 0)
      if (parent === found[i]) found.push(pid)
    }
  }
  return ticks * 10
}

// [{name, pid}] to a function that says what each name's processes have spent since.
export function stopwatch (groups) {
  const before = processes()
  return () => {
    const now = processes()
    const since = {}
    for (const { name, pid } of groups) since[name] = (since[name] ?? 0) + spent(pid, now) - spent(pid, before)
    return since
  }
}

// Until those processes have nothing more to do: clients that left may have left work behind.
export async function settle (groups) {
  for (let tries = 0; tries < 40; tries++) {
    const sofar = stopwatch(groups)
    await new Promise(resolve => setTimeout(resolve, 250))
    if (Object.values(sofar()).reduce((sum, ms) => sum + ms, 0) < 12) return
  }
}

// Requests/s, times in ms, failures, and the CPU ms per request of wrk and of each group.
export async function load (url, file, { connections, seconds, groups = [] }) {
  const sofar = stopwatch(groups)
  // `times` says what the shell's children took: wrk.
  const shell = spawn('sh', ['-c', '"$@" && times', 'sh', process.env.WRK ?? 'wrk', '-t', '1', '-c', String(connections), '-d', `${seconds}s`,
    '--timeout', '60s', '-s', SCRIPT, url], { env: { ...process.env, BENCH_REQUESTS: file }, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  shell.stdout.on('data', data => { output += data })
  const status = await new Promise(resolve => shell.on('close', resolve))
  const spentByGroups = sofar()
  const result = /^result (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(output)?.slice(1).map(Number)
  if (status !== 0 || !result) throw new Error(`wrk failed for ${url}: ${output}`)
  const [requests, microseconds, p50, p99, refused, errors] = result
  const wrk = [...output.trim().split('\n').pop().matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, t) => sum + t[1] * 6e4 + t[2] * 1e3, 0)
  const cpu = Object.fromEntries(Object.entries({ ...spentByGroups, wrk }).map(([name, ms]) => [name, ms / requests]))
  return { rate: requests * 1e6 / microseconds, p50: p50 / 1e3, p99: p99 / 1e3, bad: refused + errors, requests, cpu }
}
