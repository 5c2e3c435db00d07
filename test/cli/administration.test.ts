import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import tap from 'tap'
import { administrationOf } from '../../src/cli/administration/administration.ts'
import { type AdministrationServer, openAdministration } from '../../src/cli/administration/administration-server.ts'
import { administrationEndpoints } from '../../src/cli/administration/endpoint.ts'
import { operate } from '../../src/cli/administration/operations.ts'
import type { Configuration } from '../../src/cli/configuration/configuration.ts'
import { loadConfiguration } from '../../src/cli/configuration/configuration-file.ts'
import { lockDataFolder } from '../../src/cli/data-folder-lock.ts'
import { type Gatehouse, openGatehouse } from '../../src/cli/gatehouse.ts'
import { createLog } from '../../src/cli/log.ts'
import { freePort } from '../lab/free-port.ts'
import { callAdministration, sendRaw } from './administration-call.ts'
import { makeInstallation, temporaryFolder } from './installation.ts'

const t = tap

interface Here {
  configuration: Configuration
  gatehouse: Gatehouse
  server: AdministrationServer
  socket: string
  log(): string
}

async function open(t: Pick<typeof tap, 'teardown'>, changes: object = {}): Promise<Here> {
  const { file, socket } = await makeInstallation(await temporaryFolder(t), changes)
  const configuration = await loadConfiguration({ file, environment: {} })
  let text = ''
  const write = (line: string) => {
    text += line
  }
  const gatehouse = await openGatehouse(configuration, { log: createLog({ level: 'info', destination: { write } }) })
  const server = await openAdministration(gatehouse)
  t.teardown(async () => {
    await server.close()
    await gatehouse.close()
  })
  return { configuration, gatehouse, server, socket, log: () => text }
}

const json = ['Content-Type', 'application/json']
const host = ['Host', 'gatehouse']

t.test('an operation is called by POST with JSON and answers with JSON that nobody keeps', async (t) => {
  const { socket } = await open(t)
  const answer = await sendRaw({ socketPath: socket, headers: [...host, ...json, 'Content-Length', '2'], body: '{}' })
  t.match(answer, {
    status: 200,
    body: '{"result":[]}',
    headers: { 'cache-control': 'no-store', 'content-type': 'application/json' },
  })
})

t.test('what is no call of an operation is refused before anything is done, and the server goes on', async (t) => {
  const { socket, log } = await open(t)
  const add = '{"name":"forged"}'
  const good = [...host, ...json]
  for (const { name, status, code = 'usage', ...call } of [
    { name: 'another Host', headers: ['Host', 'sts.contoso.test', ...json], body: add, status: 421 },
    { name: 'the name of this machine as Host', headers: ['Host', 'localhost', ...json], body: add, status: 421 },
    { name: 'two Host lines', headers: [...host, ...host, ...json], body: add, status: 400 },
    {
      name: 'an Origin',
      headers: [...good, 'Origin', 'http://evil.test'],
      body: add,
      status: 403,
      code: 'not-permitted',
    },
    { name: 'an Origin null', headers: [...good, 'Origin', 'null'], body: add, status: 403, code: 'not-permitted' },
    {
      name: 'a form',
      headers: [...host, 'Content-Type', 'application/x-www-form-urlencoded'],
      body: 'name=forged',
      status: 415,
    },
    { name: 'text that is JSON', headers: [...host, 'Content-Type', 'text/plain'], body: add, status: 415 },
    { name: 'no content type', headers: host, body: add, status: 415 },
    {
      name: 'a multipart body',
      headers: [...host, 'Content-Type', 'multipart/form-data; boundary=a'],
      body: add,
      status: 415,
    },
    { name: 'a compressed body', headers: [...good, 'Content-Encoding', 'gzip'], body: add, status: 415 },
    { name: 'GET', method: 'GET', headers: good, status: 405 },
    { name: 'PUT', method: 'PUT', headers: good, body: add, status: 405 },
    {
      name: 'OPTIONS, as a browser asks first',
      method: 'OPTIONS',
      headers: [...host, 'Access-Control-Request-Method', 'POST'],
      status: 405,
    },
    { name: 'another path', path: '/', headers: good, body: add, status: 404 },
    {
      name: 'an unknown operation',
      path: '/operations/group.destroy',
      headers: good,
      body: add,
      status: 400,
      code: 'unknown-operation',
    },
    {
      name: 'an operation called __proto__',
      path: '/operations/__proto__',
      headers: good,
      body: add,
      status: 400,
      code: 'unknown-operation',
    },
    {
      name: 'an operation called toString',
      path: '/operations/toString',
      headers: good,
      body: add,
      status: 400,
      code: 'unknown-operation',
    },
    {
      name: 'a path that leads out',
      path: '/operations/../operations/group.add',
      headers: good,
      body: add,
      status: 400,
      code: 'unknown-operation',
    },
    { name: 'an encoded path', path: '/operations/group%2eadd', headers: good, body: add, status: 404 },
    { name: 'no body', headers: good, status: 400 },
    { name: 'a body cut short', headers: good, body: '{"name":"for', status: 400 },
    { name: 'a member twice', headers: good, body: '{"name":"a","name":"forged"}', status: 400 },
    { name: 'a member __proto__', headers: good, body: '{"__proto__":{"name":"forged"}}', status: 400 },
    { name: 'bytes that are not UTF-8', headers: good, body: Buffer.from([0x7b, 0xff, 0x7d]), status: 400 },
    { name: 'a list', headers: good, body: '["forged"]', status: 400, code: 'invalid-input' },
    { name: 'null', headers: good, body: 'null', status: 400, code: 'invalid-input' },
    {
      name: 'a member that is unknown',
      headers: good,
      body: '{"name":"forged","admin":true}',
      status: 400,
      code: 'invalid-input',
    },
    { name: 'a number for a name', headers: good, body: '{"name":7}', status: 400, code: 'invalid-input' },
    {
      name: 'a line break in a name',
      headers: good,
      body: '{"name":"forged\\nforged"}',
      status: 400,
      code: 'invalid-input',
    },
    { name: 'nested a hundred thousand deep', headers: good, body: '['.repeat(100_000), status: 400 },
    { name: 'a body of a megabyte', headers: good, body: `{"name":"${'x'.repeat(1_000_000)}"}`, status: 413 },
  ] as const) {
    const body = 'body' in call ? call.body : ''
    const path = 'path' in call ? call.path : '/operations/group.add'
    const method = 'method' in call ? call.method : 'POST'
    const headers = [...call.headers, 'Content-Length', String(Buffer.byteLength(body))]
    const answer = await sendRaw({ socketPath: socket, method, path, headers, body })
    t.equal(answer.status, status, `${name}: ${answer.body}`)
    if (answer.body !== '') t.equal(JSON.parse(answer.body).error.code, code, name)
    t.equal(answer.headers['access-control-allow-origin'], undefined, name)
    t.notMatch(answer.body, /node:|\.ts| {4}at /, name)
  }
  const chunks = `${'1000\r\n'}${'x'.repeat(4096)}\r\n`.repeat(100)
  t.match(
    await rawBytes(
      socket,
      `POST /operations/group.add HTTP/1.1\r\nHost: gatehouse\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
    ),
    /^HTTP\/1\.1 (400|413)/,
    'a body without an end in sight',
  )
  t.match(await rawBytes(socket, 'GARBAGE\r\n\r\n'), /^HTTP\/1\.1 400/)
  t.match(
    await rawBytes(socket, `POST / HTTP/1.1\r\nHost: gatehouse\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431/,
  )
  t.match(await callAdministration(socket, 'group.list', {}), { status: 200, result: [] })
  t.notMatch(log(), /forged/)
})

t.test('health is told at the socket without an operation: alive, and whether it can serve', async (t) => {
  const { socket, gatehouse } = await open(t)
  const ask = (path: string, name = 'gatehouse') =>
    sendRaw({ socketPath: socket, method: 'GET', path, headers: ['Host', name] })
  t.match(await ask('/healthz'), { status: 200, body: 'ok', headers: { 'cache-control': 'no-store' } })
  t.match(await ask('/readyz'), { status: 200, body: 'ready' })
  t.match(await ask('/readyz', 'sts.contoso.test'), { status: 421 })
  await gatehouse.close()
  t.match(await ask('/readyz'), { status: 503, body: 'not ready' })
  t.match(await ask('/healthz'), { status: 200 })
})

t.test('a fault of the server is told to its log and not to the caller', async (t) => {
  const { socket, gatehouse, log } = await open(t)
  Object.assign(gatehouse.sts?.people.groups ?? {}, {
    list: () => {
      throw new Error('inner detail')
    },
  })
  t.match(await callAdministration(socket, 'group.list', {}), {
    status: 500,
    error: { code: 'internal', message: /log/ },
  })
  t.match(log(), /inner detail/)
})

t.test('a loopback address is a second door, for who knows the token and the name', async (t) => {
  const port = await freePort()
  const { configuration, socket, server } = await open(t, {
    administration: { address: '127.0.0.1', port, tokenFile: 'admin.token' },
  })
  const file = configuration.administration.tokenFile ?? ''
  t.equal((await stat(file)).mode & 0o777, 0o600)
  const token = (await readFile(file, 'utf8')).trim()
  t.equal(token.length, 43)
  t.equal(server.endpoints.length, 2)
  const named = ['Host', `127.0.0.1:${port}`, ...json, 'Content-Length', '2']
  const ask = (headers: string[]) => sendRaw({ port, headers, body: '{}' })
  t.match(await ask([...named, 'Authorization', `Bearer ${token}`]), { status: 200 })
  t.match(await ask(named), { status: 401, headers: { 'www-authenticate': 'Bearer' } })
  t.match(await ask([...named, 'Authorization', `Bearer ${token.slice(0, -1)}x`]), { status: 401 })
  t.match(await ask([...named, 'Authorization', `Basic ${token}`]), { status: 401 })
  const rebound = ['Host', `evil.test:${port}`, ...json, 'Content-Length', '2', 'Authorization', `Bearer ${token}`]
  t.match(await ask(rebound), { status: 421 })
  t.match(await callAdministration(socket, 'group.list', {}), { status: 200 })

  const throughAddress = administrationOf({
    ...configuration,
    administration: { ...configuration.administration, socket: false },
  })
  t.match(await throughAddress.call('group.add', { name: 'sales' }), { name: 'sales' })
  t.rejects(throughAddress.call('group.add', { name: 'sales' }), { code: 'group-exists' })
  await chmod(file, 0o644)
  await t.rejects(throughAddress.call('group.list', {}), { code: 'not-permitted', message: /chmod 600/ })
  await chmod(file, 0o600)
  await writeFile(file, 'short')
  await t.rejects(throughAddress.call('group.list', {}), { code: 'file' })
  await writeFile(file, 'x'.repeat(43))
  await t.rejects(throughAddress.call('group.list', {}), { code: 'not-permitted' })
})

t.test('a folder that stays in use is told after the patience is at its end', async (t) => {
  const { file, data } = await makeInstallation(await temporaryFolder(t))
  const configuration = await loadConfiguration({ file, environment: {} })
  const lock = await lockDataFolder(data)
  t.teardown(() => lock.release())
  await t.rejects(administrationOf(configuration, { patience: 0 }).call('group.list', {}), { code: 'folder-in-use' })
})

t.test('a server that dies before it answers is told as such, and not tried again', async (t) => {
  const { file, data } = await makeInstallation(await temporaryFolder(t))
  const configuration = await loadConfiguration({ file, environment: {} })
  const lock = await lockDataFolder(data)
  t.teardown(() => lock.release())
  const { createServer } = await import('node:net')
  let calls = 0
  const dying = createServer((socket) => {
    calls++
    socket.once('data', () => socket.destroy())
  }).listen(join(data, 'gatehouse.sock'))
  t.teardown(() => dying.close())
  await new Promise((resolve) => dying.once('listening', resolve))
  await t.rejects(administrationOf(configuration).call('group.add', { name: 'sales' }), {
    code: 'unreachable',
    message: /not known/,
  })
  t.equal(calls, 1)
})

t.test('something else behind the socket is not taken for a server', async (t) => {
  const { file, data } = await makeInstallation(await temporaryFolder(t))
  const configuration = await loadConfiguration({ file, environment: {} })
  const lock = await lockDataFolder(data)
  t.teardown(() => lock.release())
  const { createServer } = await import('node:http')
  const other = createServer((_, response) => response.end('<html>')).listen(join(data, 'gatehouse.sock'))
  t.teardown(() => other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  await t.rejects(administrationOf(configuration).call('group.list', {}), { code: 'answer' })
})

t.test('a configured socket whose path is too long is told, not moved', async (t) => {
  const { file } = await makeInstallation(await temporaryFolder(t), {
    administration: { socket: `/tmp/${'s'.repeat(110)}.sock` },
  })
  const configuration = await loadConfiguration({ file, environment: {} })
  t.throws(() => administrationEndpoints(configuration), { code: 'configuration', message: /at most 10[37] bytes/ })
})

t.test('changes come one after the other: of two that publish the same address one is refused', async (t) => {
  const { gatehouse } = await open(t)
  const operator = { who: 'alice', from: 'test' }
  const publish = (name: string) =>
    operate(
      gatehouse,
      'app.publish',
      {
        parameters: {
          name,
          externalUrl: 'http://crm.contoso.test/',
          backendUrl: 'http://crm.corp.test/',
          preauthentication: 'pass-through',
        },
      },
      operator,
    )
  const results = await Promise.allSettled([publish('one'), publish('two'), publish('three')])
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  t.equal(gatehouse.proxy?.store.applications().length, 1)
  t.match(gatehouse.sts?.audit.list({ event: 'administration' }), [
    { who: 'alice', from: 'test', what: 'app.publish three', result: 'failure', code: 'overlap' },
    { what: 'app.publish two', result: 'failure' },
    { what: 'app.publish one', result: 'success' },
  ])
})

function rawBytes(socket: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const connection = connect(socket, () => connection.write(bytes))
    connection.on('data', (chunk) => {
      text += String(chunk)
    })
    // A server that has heard enough hangs up while we are still talking.
    connection.on('error', () => {})
    connection.on('close', () => resolve(text))
  })
}
