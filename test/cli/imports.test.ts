import t from 'tap'
import { runProgram } from '../lab/processes.ts'
import { makeInstallation, temporaryFolder } from './installation.ts'

t.test('a command that talks to the server loads neither the federation server nor the proxy', async (t) => {
  const here = await makeInstallation(await temporaryFolder(t))
  const server = await here.serve()
  t.teardown(() => server.stop('SIGKILL'))
  const hook = `import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`
  const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
  const words = [
    '--import',
    `data:text/javascript,${encodeURIComponent(hook)}`,
    main,
    'user',
    'list',
    '--config',
    here.file,
  ]
  const { code, stderr } = await runProgram(process.execPath, words)
  t.equal(code, 0)
  const loaded = stderr.trimEnd().split('\n')
  t.ok(loaded.some((url) => url.endsWith('/src/cli/administration/administration.ts')))
  t.strictSame(
    loaded.filter((url) =>
      /\/src\/(sts|proxy|edge-token)\/|\/node_modules\/(express|kysely|undici|xml-crypto|pino)\//.test(url),
    ),
    [],
  )
})
