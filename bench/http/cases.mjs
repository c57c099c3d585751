// What is asked: for each route the requests of both dialects, what the answer has to look like, and the product's limits.

export const PASSWORD = 'correct horse battery staple'

const TITLE = 'A new subject: 一个新的话题'
const CONTENT = 'Please go on with the plan that we made yesterday, and keep it short. '.repeat(2) + '请继续昨天制定的计划，并尽量简短地说明下一步应该怎么做，谢谢。'.repeat(2)

const USER = ['created_at', 'email', 'id', 'is_active', 'username']
const CONVERSATION = ['created_at', 'id', 'is_archived', 'message_count', 'title', 'updated_at']
const MESSAGE = ['content', 'conversation_id', 'created_at', 'id', 'role']

const each = (rows, count, wanted) => Array.isArray(rows) && rows.length === count && rows.every(wanted)

// `ask` makes [method, path, body] of an account and one of its conversations; `fits` looks at the answer, with the keys
// that it must have. `turns`: how many different conversations are asked for. A limit is a ratio gateway : peer.
export const CASES = [
  {
    name: 'me', status: 200, turns: 1, keys: USER, limit: 1.5,
    classic: () => ['GET', '/auth/me'],
    typed: () => ['GET', '/rpc/agent_me'],
    fits: (user, has) => has(user) && user.username.startsWith('user')
  },
  {
    name: 'list of 10', status: 200, turns: 1, keys: CONVERSATION, limit: 3,
    classic: () => ['GET', '/conversations?skip=0&limit=10'],
    typed: () => ['GET', '/rpc/agent_conversation_list?limit=10'],
    fits: (rows, has) => each(rows, 10, row => has(row) && row.message_count >= 20)
  },
  {
    name: '50 messages', status: 200, turns: 1, keys: MESSAGE, limit: 3,
    classic: account => ['GET', `/conversations/${account.long}/messages?skip=0&limit=50`],
    typed: account => ['GET', `/rpc/agent_message_list?conversation_id=${account.long}&limit=50`],
    fits: (rows, has) => each(rows, 50, (row, i) => has(row) && row.content.startsWith(`Message ${i + 1} `) && [...row.content].length > 190)
  },
  {
    name: 'post message', status: 201, turns: 30, keys: MESSAGE, limit: 2,
    classic: (_, conversation) => ['POST', `/conversations/${conversation}/messages`, { role: 'user', content: CONTENT }],
    typed: (_, conversation) => ['POST', '/rpc/agent_message_create', { conversation_id: conversation, role: 'user', content: CONTENT }],
    fits: (row, has) => has(row) && row.content === CONTENT
  },
  {
    name: 'post conversation', status: 201, turns: 1, keys: CONVERSATION, limit: 2,
    classic: () => ['POST', '/conversations', { title: TITLE }],
    typed: () => ['POST', '/rpc/agent_conversation_create', { title: TITLE }],
    fits: (row, has) => has(row) && row.title === TITLE && row.message_count === 0
  },
  {
    name: '... with a message', status: 201, turns: 1, keys: CONVERSATION, limit: 2,
    classic: () => ['POST', '/conversations', { title: TITLE, first_message: CONTENT }],
    typed: () => ['POST', '/rpc/agent_conversation_create', { title: TITLE, first_message: CONTENT }],
    fits: (row, has) => has(row) && row.message_count === 1
  }
]

const credentials = name => ({ email: `${name}@bench.example`, password: PASSWORD })

export const LOGIN = {
  name: 'login', status: 200,
  classic: name => ['POST', '/auth/login', credentials(name)],
  typed: name => ['POST', '/rpc/agent_login', credentials(name)],
  fits: token => token.token_type === 'bearer' && token.access_token.split('.').length === 3
}

const headersOf = (token, body) => ({
  accept: 'application/json',
  ...(token && { authorization: `Bearer ${token}` }),
  ...(body && { 'content-type': 'application/json' })
})

async function send (url, [method, path, body], token) {
  const answer = await fetch(url + path, { method, headers: headersOf(token, body), body: body && JSON.stringify(body) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${url}${path} answered ${answer.status}: ${text.slice(0, 300)}`)
  return { status: answer.status, json: JSON.parse(text), bytes: text.length }
}

// The accounts of the database, with a token and their conversations each, the oldest of which is the long one.
export async function logIn (url, dialect, count) {
  const accounts = []
  for (let i = 1; i <= count; i++) {
    const { access_token: token } = (await send(url, LOGIN[dialect](`user${i}`))).json
    const path = dialect === 'typed' ? '/rpc/agent_conversation_list' : '/conversations?limit=1000'
    const ids = (await send(url, ['GET', path], token)).json.map(row => row.id)
    accounts.push({ token, long: ids.pop(), conversations: ids.slice(-30) })
  }
  return accounts
}

// One answer of each kind, looked at closely: what is measured later is only counted. Returns the bytes of each.
export async function check (url, dialect, account) {
  const bytes = {}
  for (const wanted of CASES) {
    const answer = await send(url, wanted[dialect](account, account.conversations[0]), account.token)
    // The classic paths answer with exactly these keys, the typed functions with a row that has them.
    const has = row => wanted.keys.every(key => key in row) && (dialect === 'typed' || Object.keys(row).length === wanted.keys.length)
    if (answer.status !== wanted.status || !wanted.fits(answer.json, has)) {
      throw new Error(`${url}, ${wanted.name}: status ${answer.status}, ${JSON.stringify(answer.json).slice(0, 300)}`)
    }
    bytes[wanted.name] = answer.bytes
  }
  return bytes
}

export async function checkLogin (url, dialect) {
  const answer = await send(url, LOGIN[dialect]('login1'))
  if (answer.status !== LOGIN.status || !LOGIN.fits(answer.json)) throw new Error(`${url}, login: status ${answer.status}`)
}

const line = ([method, path, body], token = '') => [method, path, token, body ? JSON.stringify(body) : ''].join('\t') + '\n'

// The lines of a file for wrk.lua: all accounts once with one conversation, then all of them with the next.
export function requestsOf (wanted, dialect, accounts) {
  const lines = []
  for (let turn = 0; turn < wanted.turns; turn++) {
    for (const account of accounts) lines.push(line(wanted[dialect](account, account.conversations[turn]), account.token))
  }
  return lines.join('')
}

export function loginsOf (dialect, count) {
  return Array.from({ length: count }, (_, i) => line(LOGIN[dialect](`login${i + 1}`))).join('')
}
