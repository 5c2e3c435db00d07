/** Chromium with an application on another site than the federation service's. */
import t, { type Test } from 'tap'
import { startSampleBackend } from '../../src/cli/demo/sample-backend.ts'
import { startChromium } from '../lab/chromium.ts'
import { gatehouse, type RunningDemo, startDemo } from '../lab/gatehouse.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'
import { walkThrough } from './browser-walk.ts'

t.test('federation service and applications on two sites', async (t) => {
  const demo = await startDemo(temporaryFolder(t))
  t.teardown(() => demo.program.stop())
  const first = await publishElsewhere(t, demo, 'app.fabrikam.localhost')
  const browser = await startChromium()
  t.teardown(() => browser.close())
  await walkThrough(t, browser, demo, first)
})

/** Publishes a sample application whose host is of another site than the federation service's. */
async function publishElsewhere(t: Test, demo: RunningDemo, host: string): Promise<string> {
  const { port, protocol } = new URL(demo.url('CRM'))
  const url = `${protocol}//${host}:${port}/`
  const links = { applications: [], portal: `${demo.file.sts.url}/adfs/portal`, signOut: demo.file.sts.url }
  const backend = await startSampleBackend({ application: 'Elsewhere', links })
  t.teardown(() => backend.close())
  await gatehouse([
    ...['app', 'publish', '--config', demo.configurationFile, '--name', 'Elsewhere', '--external-url', url],
    ...[
      '--backend-url',
      `http://elsewhere.backend.localhost:${backend.port}/`,
      '--preauthentication',
      'adfs',
      '--trust',
      'CRM',
    ],
    ...['--identity-header', 'X-Forwarded-User=upn'],
  ])
  return url
}
