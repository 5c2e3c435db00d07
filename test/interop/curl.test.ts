/** curl walks the main path with a cookie jar of its own, plain and over TLS: a client that nobody here wrote. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { formsOf, signInForm } from '../lab/forms.ts'
import { type RunningDemo, startDemo } from '../lab/gatehouse.ts'
import type { Answer } from '../lab/http-client.ts'
import { runProgram } from '../lab/processes.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

/** What curl got: its last answer, and the addresses and statuses on the way to it. */
interface Fetched {
  readonly status: number
  readonly url: string
  readonly body: string
  readonly redirects: number
}

function curlWith(demo: RunningDemo, folder: string) {
  const jar = join(folder, 'cookies.txt')
  const trust = demo.ca === undefined ? [] : ['--cacert', join(demo.folder, 'tls', 'ca.pem')]
  return async (...words: string[]): Promise<Fetched> => {
    const report = '\n%{http_code} %{num_redirects} %{url_effective}'
    const { code, stdout, stderr } = await runProgram('curl', [
      ...['--silent', '--show-error', '--max-time', '20', '--noproxy', '*', '--cookie', jar, '--cookie-jar', jar],
      ...trust,
      ...['--write-out', report, ...words],
    ])
    if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}`)
    const at = stdout.lastIndexOf('\n')
    const [status = '', redirects = '', url = ''] = stdout.slice(at + 1).split(' ')
    return { status: Number(status), redirects: Number(redirects), url, body: stdout.slice(0, at) }
  }
}

/** The form on a page that curl fetched, as parameters that post it. */
function posting(page: Fetched, typed: (names: string[]) => Record<string, string>): string[] {
  const answer = { url: new URL(page.url), body: page.body } as Answer
  const form = signInForm(answer) ?? formsOf(answer)[0]
  if (form === undefined) throw new Error(`no form on ${page.url}: ${page.body}`)
  const fields = { ...form.fields, ...typed(Object.keys(form.fields)) }
  return [
    ...Object.entries(fields).flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]),
    ...['--header', `Origin: ${form.action.origin}`, form.action.href],
  ]
}

for (const words of [[], ['--tls']]) {
  t.test(`curl signs in, switches applications and signs out${words.length > 0 ? ', over TLS' : ''}`, async (t) => {
    const demo = await startDemo(temporaryFolder(t), ['--port', '0', ...words])
    t.teardown(() => demo.program.stop())
    await walk(t, demo)
  })
}

async function walk(t: Test, demo: RunningDemo): Promise<void> {
  const curl = curlWith(demo, demo.folder)
  const [crm, wiki] = [demo.url('CRM'), demo.url('Wiki')]

  const page = await curl('--location', `${crm}orders?show=all`)
  t.equal(page.status, 200)
  t.equal(new URL(page.url).origin, demo.file.sts.url)
  const landed = await curl(
    '--location',
    ...posting(page, (names) => ({
      [names.find((name) => /user|upn|name/i.test(name)) ?? '']: 'alice@contoso.test',
      [names.find((name) => /pass/i.test(name)) ?? '']: 'demo-password',
    })),
  )
  t.equal(landed.status, 200)
  t.equal(landed.url, `${crm}orders?show=all`, 'no token is left in the address')
  t.match(landed.body, 'alice@contoso.test')

  const json = await curl('--header', 'Accept: application/json', `${crm}a?b=c`)
  t.match(JSON.parse(json.body), {
    application: 'CRM',
    url: '/a?b=c',
    headers: { 'x-forwarded-user': 'alice@contoso.test' },
  })
  const second = await curl('--location', wiki)
  t.equal(second.url, wiki, 'the second application asks nothing')
  t.equal(second.redirects, 3)

  const head = await curl('--head', crm)
  t.equal(head.status, 200)
  t.match(head.body, /^HTTP\/1\.1 200/)

  const upload = await curl(
    '--header',
    'Accept: application/json',
    '--data-binary',
    'x'.repeat(100_000),
    `${crm}upload`,
  )
  t.match(
    JSON.parse(upload.body),
    { method: 'POST', headers: { 'content-length': '100000' } },
    'with Expect: 100-continue',
  )

  const out = await curl('--location', `${demo.file.sts.url}/adfs/ls/?wa=wsignout1.0`)
  t.equal(out.status, 200)
  t.equal((await curl(crm)).status, 307)
  t.equal((await curl('--header', 'Accept: application/json', wiki)).status, 401)
}
t.end()
