/** Chromium that was told to keep no cookie of a host: it is told what is the matter, and goes round in no circles. */
import t, { type Test } from 'tap'
import { startWithoutCookiesOf } from '../lab/chromium.ts'
import { startDemo } from '../lab/gatehouse.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'
import { asksForPassword, signIn } from './browser-walk.ts'

t.test('a browser that keeps no cookie', async (t) => {
  const demo = await startDemo(temporaryFolder(t))
  t.teardown(() => demo.program.stop())
  const openWithout = async (t: Test, host: string) => {
    const person = await startWithoutCookiesOf(host, temporaryFolder(t))
    t.teardown(() => person.close())
    return person.newPage()
  }

  await t.test('of the federation service is told so by the sign-in page', async (t) => {
    const page = await openWithout(t, 'sts.contoso.localhost')
    await page.goto(demo.url('CRM'))
    await signIn(page, 'alice@contoso.test')
    t.match(await page.locator('main').textContent(), /cookie/i)
    t.ok(await asksForPassword(page))
  })

  await t.test('of the application is told so by the proxy instead of going round in circles', async (t) => {
    const page = await openWithout(t, 'crm.contoso.localhost')
    const visited: string[] = []
    page.on('framenavigated', (frame) => visited.push(frame.url()))
    await page.goto(demo.url('CRM'))
    await signIn(page, 'alice@contoso.test')
    t.match(await page.locator('main').textContent(), /cookie/i)
    t.equal(new URL(page.url()).hostname, 'crm.contoso.localhost')
    t.equal(await page.locator('#user').count(), 0)
    t.ok(visited.length <= 4, visited.join(' '))
  })
})
