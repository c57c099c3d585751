// Tables of medians.

export const median = values => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const sum = values => values.reduce((total, value) => total + value, 0)

// Three digits that mean something.
export const figure = value => !Number.isFinite(value) ? '-' : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

export function table (head, rows) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map(row => row[i].length)))
  for (const row of [head, ...rows]) {
    console.log(row.map((cell, i) => i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join('  ').trimEnd())
  }
}

export const serverCpu = run => sum(Object.entries(run.cpu).filter(([name]) => name !== 'wrk').map(([, ms]) => ms))

// What one contestant did at one route: medians of its rounds.
export function row (route, contestant, runs) {
  const of = key => median(runs.map(run => run[key]))
  const parts = Object.keys(runs[0].cpu).map(name => `${name} ${median(runs.map(run => run.cpu[name])).toFixed(2)}`)
  return [route, contestant, figure(of('rate')), figure(of('p50')), figure(of('p99')), String(sum(runs.map(run => run.bad))),
    median(runs.map(serverCpu)).toFixed(2), ' ' + parts.join(', ')]
}

export const HEAD = ['', '', 'requests/s', 'p50 ms', 'p99 ms', 'bad', 'CPU ms', ' of which, a request']

export const against = (value, limit, good) => `${good ? 'ok' : 'MISSED'} (${limit})`
