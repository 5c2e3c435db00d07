import type { Browser, BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { type SampleBackend, startSampleBackend } from '../../src/cli/demo/sample-backend.ts'
import { newPerson, type PersonOptions, startChromium, startWithoutCookiesOf } from '../lab/chromium.ts'
import { gatehouse, type RunningDemo, startDemo } from '../lab/gatehouse.ts'
import { demoPassword } from '../lab/round-trip.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

let browser: Browser
t.before(async () => {
  browser = await startChromium()
})
t.after(() => browser?.close())

async function openPage(t: Test, options: PersonOptions = {}): Promise<{ person: BrowserContext; page: Page }> {
  const person = await newPerson(browser, options)
  t.teardown(() => person.close())
  return { person, page: await person.newPage() }
}

/** Fills in the one form on the page. */
async function signIn(page: Page, upn: string, password = demoPassword): Promise<void> {
  await page.locator('input[type=email], input[type=text]').fill(upn)
  await page.locator('input[type=password]').fill(password)
  await Promise.all([page.waitForNavigation(), page.locator('form button[type=submit]').first().click()])
}

const whoAmI = (page: Page) => page.locator('#user').textContent()
const asksForPassword = async (page: Page) => (await page.locator('input[type=password]').count()) > 0

interface Site {
  readonly title: string
  readonly words: readonly string[]
  /** Label and parent of the host of a further application; none for the demo's own. */
  readonly second?: string
}

const sites: readonly Site[] = [
  { title: 'on one site', words: [] },
  { title: 'on one site over TLS', words: ['--tls'] },
  { title: 'on two sites', words: [], second: 'app.fabrikam.localhost' },
]

for (const { title, words, second } of sites) {
  t.test(`federation service and applications ${title}`, async (t) => {
    const demo = await startDemo(temporaryFolder(t), ['--port', '0', ...words])
    t.teardown(() => demo.program.stop())
    const first = second === undefined ? demo.url('CRM') : await publishElsewhere(t, demo, second)
    const wiki = demo.url('Wiki')
    const tls = words.includes('--tls')

    for (const javaScript of [true, false]) {
      await t.test(
        `a person signs in, switches and signs out ${javaScript ? 'with' : 'without'} JavaScript`,
        async (t) => {
          const { page } = await openPage(t, { javaScript, tls })
          await page.goto(`${first}orders?show=all#top`)
          t.equal(new URL(page.url()).origin, demo.file.sts.url)
          t.equal(await page.locator('html').getAttribute('lang'), 'en')
          await signIn(page, 'alice@contoso.test')
          t.match(page.url(), `${first}orders?show=all`)
          t.notMatch(page.url(), /authToken/i)
          t.equal(await whoAmI(page), 'alice@contoso.test')

          await page.goto(wiki)
          t.equal(page.url(), wiki, 'no second prompt')
          t.equal(await whoAmI(page), 'alice@contoso.test')

          await page.goBack()
          t.equal(await whoAmI(page), 'alice@contoso.test')
          await page.goto(wiki)
          await page.getByRole('link', { name: 'Sign out' }).click()
          t.notOk(await asksForPassword(page))
          for (const url of [first, wiki]) {
            await page.goto(url)
            t.ok(await asksForPassword(page), `${url} asks again`)
          }
          await page.goBack()
          t.equal(await page.locator('#user').count(), 0, 'Back shows nothing of the application')
        },
      )
    }

    await t.test('a wrong password is told beside the field, and the next try gets in', async (t) => {
      const { page } = await openPage(t, { tls })
      await page.goto(first)
      await signIn(page, 'alice@contoso.test', 'wrong')
      t.ok(await asksForPassword(page))
      const field = page.locator('input[aria-invalid=true]').first()
      const id = (await field.getAttribute('aria-describedby'))?.split(' ')[0]
      t.ok(id, 'the field names its error text')
      t.ok((await page.locator(`#${id}`).textContent())?.trim())
      t.equal(await page.locator('input[type=email], input[type=text]').inputValue(), 'alice@contoso.test')
      await signIn(page, 'alice@contoso.test')
      t.equal(await whoAmI(page), 'alice@contoso.test')
    })

    await t.test('a second tab with a form of its own goes on when the first has signed in', async (t) => {
      const { person, page } = await openPage(t, { tls })
      const other = await person.newPage()
      await page.goto(first)
      await other.goto(wiki)
      await signIn(page, 'alice@contoso.test')
      t.equal(await whoAmI(page), 'alice@contoso.test')
      await signIn(other, 'alice@contoso.test')
      t.equal(other.url(), wiki)
      t.equal(await whoAmI(other), 'alice@contoso.test')
    })

    await t.test(
      'Back to the sign-in form after signing in, and posting it again, ends at the application',
      async (t) => {
        const { page } = await openPage(t, { tls })
        await page.goto(first)
        await signIn(page, 'alice@contoso.test')
        await page.goBack()
        if (await asksForPassword(page)) await signIn(page, 'alice@contoso.test')
        else await page.goto(first)
        t.equal(await whoAmI(page), 'alice@contoso.test')
      },
    )

    await t.test('a person who is not permitted reads why, and who may go on does', async (t) => {
      const { page } = await openPage(t, { tls })
      await page.goto(wiki)
      await signIn(page, 'bob@contoso.test')
      t.equal(await page.locator('#user').count(), 0)
      t.notOk(await asksForPassword(page))
      t.match(await page.locator('main').textContent(), /Wiki/)
      await page.goto(demo.url('CRM'))
      t.equal(await whoAmI(page), 'bob@contoso.test')
    })

    await t.test('the portal leads to the applications', async (t) => {
      const { page } = await openPage(t, { tls })
      await page.goto(`${demo.file.sts.url}/adfs/portal`)
      await signIn(page, 'alice@contoso.test')
      await page.locator(`a[href="${wiki}"]`).first().click()
      t.equal(await whoAmI(page), 'alice@contoso.test')
    })
  })
}

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

/** Publishes a sample application whose host is of another site than the federation service's. */
async function publishElsewhere(t: Test, demo: RunningDemo, host: string): Promise<string> {
  const { port, protocol } = new URL(demo.url('CRM'))
  const url = `${protocol}//${host}:${port}/`
  const links = { applications: [], portal: `${demo.file.sts.url}/adfs/portal`, signOut: demo.file.sts.url }
  const backend: SampleBackend = await startSampleBackend({ application: 'Elsewhere', links })
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
t.end()
