/** Debian's Chromium as a person uses it, federation service and applications on one site, plain and over TLS. */
import t from 'tap'
import { startChromium } from '../lab/chromium.ts'
import { startDemo } from '../lab/gatehouse.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'
import { walkThrough } from './browser-walk.ts'

for (const words of [[], ['--tls']]) {
  t.test(`federation service and applications on one site${words.length > 0 ? ' over TLS' : ''}`, async (t) => {
    const demo = await startDemo(temporaryFolder(t), ['--port', '0', ...words])
    t.teardown(() => demo.program.stop())
    const browser = await startChromium()
    t.teardown(() => browser.close())
    await walkThrough(t, browser, demo)
  })
}
