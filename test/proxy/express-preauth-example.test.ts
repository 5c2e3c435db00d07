import { fileURLToPath } from 'node:url'
import t from 'tap'
import { freePort } from '../lab/free-port.ts'
import { gatehouse, startDemo } from '../lab/gatehouse.ts'
import { createHttpClient } from '../lab/http-client.ts'
import { startProgram } from '../lab/processes.ts'
import { enter, lastOf } from '../lab/round-trip.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

t.test('the example signs people in at the demo’s federation service and knows them by name', async (t) => {
  const demo = await startDemo(temporaryFolder(t))
  t.teardown(() => demo.program.stop())
  const port = await freePort()
  const external = `http://notes.contoso.localhost:${port}/`
  const words = ['trust', 'add', 'Notes', '--permit-everyone', '--published-url', external]
  const added = await gatehouse([...words, '--json', '--config', demo.configurationFile])
  const [trustId = ''] = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(added) ?? []

  const example = fileURLToPath(new URL('../../examples/express-preauth.ts', import.meta.url))
  const program = startProgram(process.execPath, [example], {
    env: { METADATA_URL: demo.file.sts.metadata, TRUST_ID: trustId, EXTERNAL_URL: external, PORT: String(port) },
  })
  t.teardown(() => program.stop())
  await program.line(/^Notes is ready/)

  const stranger = await createHttpClient().ask(external, { headers: { accept: 'application/json' } })
  t.equal(stranger.status, 401)
  t.equal(stranger.json<{ sign_in: string }>().sign_in, `${external}.gatehouse/sign-in`)
  const alice = createHttpClient({ headers: { 'x-forwarded-user': 'mallory@contoso.test' } })
  const last = lastOf(await enter(alice, external, 'alice@contoso.test'))
  t.equal(last.status, 200)
  t.equal(last.body, 'Hello alice@contoso.test. X-Forwarded-User says alice@contoso.test.\n')
  t.equal(last.url.href, external)
  t.equal((await program.stop()).stderr, '')
})
