import t from 'tap'
import { signInForm } from '../../lab/forms.ts'
import { alice, bob, crmUrl, startFederationServer, wikiUrl } from '../running-federation-server.ts'

const linksIn = (body: string) =>
  [...body.matchAll(/<li><a href="([^"]*)"><strong>([^<]*)</g)].map(([, url, name]) => [name, url])

t.test('a person finds the applications that they may open, and no other', async (t) => {
  const { server, url, signedIn } = await startFederationServer(t)
  await server.trusts.add({
    name: 'Off',
    enabled: false,
    permit: { everyone: true },
    publishedAddresses: ['https://off.contoso.test/'],
  })
  await server.trusts.add({ name: 'Inner', permit: { everyone: true } })
  const page = await (await signedIn(alice)).visit(`${url}/adfs/portal`)
  t.same(linksIn(page.body), [
    ['Customer relations', crmUrl],
    ['Wiki', wikiUrl],
  ])
  t.match(page.body, 'Alice Example (alice@contoso.test)')
  t.equal(page.headers['cache-control'], 'no-store')
  t.same(linksIn((await (await signedIn(bob)).visit(`${url}/adfs/portal/`)).body), [['Wiki', wikiUrl]])
})

t.test('whoever is not signed in signs in here; the root leads here', async (t) => {
  const { url, browser } = await startFederationServer(t)
  const root = await browser().visit(`${url}/`)
  t.same([root.status, root.headers.location], [302, '/adfs/portal'])
  const page = await browser().visit(`${url}/adfs/portal`)
  t.ok(signInForm(page))
  t.match(page.headers['content-security-policy'], "form-action 'self';")
})

t.test('the list may come from elsewhere; names are text and addresses are web addresses', async (t) => {
  const { url, signedIn } = await startFederationServer(t, {
    applications: ({ upn }) => [
      { name: `<b>Mail of ${upn}</b>`, url: 'https://mail.contoso.test/?a="b"' },
      { name: 'Script', url: 'javascript:alert(1)' },
    ],
  })
  const { body } = await (await signedIn(alice)).visit(`${url}/adfs/portal`)
  t.same(linksIn(body), [
    ['&lt;b&gt;Mail of alice@contoso.test&lt;/b&gt;', 'https://mail.contoso.test/?a=&quot;b&quot;'],
  ])
  t.notMatch(body, 'javascript:')
})

t.test('somebody with no application is told so', async (t) => {
  const { url, signedIn } = await startFederationServer(t, { applications: () => [] })
  t.match(
    (await (await signedIn(bob)).visit(`${url}/adfs/portal`)).body,
    'There is no application that you may open yet',
  )
})
