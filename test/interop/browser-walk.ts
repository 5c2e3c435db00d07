/** A person's way through a browser, walked the same wherever the federation service and the applications stand. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Test } from 'tap'
import { newPerson, type PersonOptions } from '../lab/chromium.ts'
import type { RunningDemo } from '../lab/gatehouse.ts'
import { demoPassword } from '../lab/round-trip.ts'

/** Fills in the one form on the page. */
export async function signIn(page: Page, upn: string, password = demoPassword): Promise<void> {
  await page.locator('input[type=email], input[type=text]').fill(upn)
  await page.locator('input[type=password]').fill(password)
  await Promise.all([page.waitForNavigation(), page.locator('form button[type=submit]').first().click()])
}

export const asksForPassword = async (page: Page) => (await page.locator('input[type=password]').count()) > 0
const whoAmI = (page: Page) => page.locator('#user').textContent()

/**
 * Walks every way of a person.
 * @param first address of an application that everybody of the demo may open.
 */
export async function walkThrough(
  t: Test,
  browser: Browser,
  demo: RunningDemo,
  first = demo.url('CRM'),
): Promise<void> {
  const wiki = demo.url('Wiki')
  const tls = demo.ca !== undefined
  const openPage = async (t: Test, options: PersonOptions = {}): Promise<{ person: BrowserContext; page: Page }> => {
    const person = await newPerson(browser, { ...options, tls })
    t.teardown(() => person.close())
    return { person, page: await person.newPage() }
  }

  for (const javaScript of [true, false]) {
    await t.test(
      `a person signs in, switches and signs out ${javaScript ? 'with' : 'without'} JavaScript`,
      async (t) => {
        const { page } = await openPage(t, { javaScript })
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
    const { page } = await openPage(t)
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
    const { person, page } = await openPage(t)
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
      const { page } = await openPage(t)
      await page.goto(first)
      await signIn(page, 'alice@contoso.test')
      await page.goBack()
      if (await asksForPassword(page)) await signIn(page, 'alice@contoso.test')
      else await page.goto(first)
      t.equal(await whoAmI(page), 'alice@contoso.test')
    },
  )

  await t.test('a person who is not permitted reads why, and who may go on does', async (t) => {
    const { page } = await openPage(t)
    await page.goto(wiki)
    await signIn(page, 'bob@contoso.test')
    t.equal(await page.locator('#user').count(), 0)
    t.notOk(await asksForPassword(page))
    t.match(await page.locator('main').textContent(), /Wiki/)
    await page.goto(demo.url('CRM'))
    t.equal(await whoAmI(page), 'bob@contoso.test')
  })

  await t.test('the portal leads to the applications', async (t) => {
    const { page } = await openPage(t)
    await page.goto(`${demo.file.sts.url}/adfs/portal`)
    await signIn(page, 'alice@contoso.test')
    await page.locator(`a[href="${wiki}"]`).first().click()
    t.equal(await whoAmI(page), 'alice@contoso.test')
  })
}
