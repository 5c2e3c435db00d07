import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { createCertificate } from '../../src/sts/keys/certificate.ts'
import { freePort } from '../lab/free-port.ts'
import { makeInstallation, temporaryFolder } from './installation.ts'

interface Report {
  failed: number
  warnings: number
  findings: { area: string; result: string; subject: string; detail: string }[]
}

const day = 86_400_000

async function backend(t: { teardown(work: () => unknown): void }, status = 200): Promise<number> {
  const server = createServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

t.test('a chain that holds has no failure, and one that does not names each broken link', async (t) => {
  const port = await freePort()
  const here = await makeInstallation(await temporaryFolder(t), {
    listeners: [{ port, protocol: 'http' }],
    sts: { url: `http://sts.contoso.localhost:${port}` },
  })
  const { run, json } = here.inThisProcess
  const server = await here.serve()
  t.teardown(() => server.stop('SIGKILL'))
  const publish = (name: string, backendPort: number, ...words: string[]) =>
    json([
      'app',
      'publish',
      name,
      '--external-url',
      `http://${name.toLowerCase()}.contoso.localhost:${port}/`,
      '--backend-url',
      `http://${name.toLowerCase()}.contoso.localhost:${backendPort}/`,
      ...words,
    ])
  await json(['trust', 'add', 'CRM', '--permit-everyone'])
  await publish('CRM', await backend(t), '--trust', 'CRM')
  const { code, stdout } = await run(['check'])
  t.equal(code, 0, stdout)
  t.match(
    stdout,
    /^ok +metadata .*\/FederationMetadata\.xml +of http:\/\/sts\.contoso\.localhost\/adfs\/services\/trust, 1 signing certificate$/m,
  )
  t.match(stdout, /^ok +application +CRM +http:\/\/crm\.contoso\.localhost:\d+\/ answers 200$/m)
  t.match(stdout, /\nall good\n$/)

  await json(['trust', 'add', 'Wiki'])
  await publish('Wiki', await freePort(), '--trust', 'Wiki')
  await publish('News', await backend(t, 503), '--preauthentication', 'pass-through')
  await json([
    'app',
    'publish',
    'Lost',
    '--external-url',
    'http://lost.invalid:81/',
    '--backend-url',
    'http://lost.invalid/',
    '--preauthentication',
    'pass-through',
  ])
  await json(['trust', 'update', 'CRM', '--remove-published-url', `http://crm.contoso.localhost:${port}/`])
  await json(['trust', 'disable', 'Wiki'])
  const broken = await run(['check', '--json'])
  t.equal(broken.code, 1)
  const { findings, failed } = JSON.parse(broken.stdout) as Report
  const told = (result: string, subject: string, detail: RegExp) =>
    t.ok(
      findings.some(
        (finding) => finding.result === result && finding.subject === subject && detail.test(finding.detail),
      ),
      `${subject}: ${detail}`,
    )
  told('failed', 'CRM', /does not know the address/)
  told('failed', 'Wiki', /is disabled/)
  told('warning', 'Wiki', /nobody may enter/)
  told('failed', 'Wiki', /cannot be reached: .*ECONNREFUSED/)
  told('warning', 'News', /answers 503/)
  told('failed', 'lost.invalid', /has no address/)
  told('failed', 'Lost', /cannot be reached/)
  told('warning', 'Lost', /no listener of this machine is at http:\/\/…:81/)
  t.equal(failed, findings.filter(({ result }) => result === 'failed').length)
})

t.test('certificates are judged as a browser would, before the server runs and while it does', async (t) => {
  const folder = await temporaryFolder(t)
  const port = await freePort()
  const make = async (name: string, hosts: string[], days: number) => {
    const now = Date.now()
    const dates = { notBefore: new Date(now - 30 * day), notAfter: new Date(now + days * day) }
    const { key, certificate } = await createCertificate({
      commonName: name,
      purpose: 'server',
      hosts,
      keyType: 'ec',
      ...dates,
    })
    await writeFile(join(folder, `${name}.pem`), certificate)
    await writeFile(join(folder, `${name}.key`), key.export({ type: 'pkcs8', format: 'pem' }))
    return { certificate: `${name}.pem`, key: `${name}.key` }
  }
  const good = await make('good', ['*.contoso.localhost'], 90)
  const soon = await make('soon', ['a.contoso.localhost'], 10)
  const over = await make('over', ['b.contoso.localhost'], -1)
  const changes = (certificates: object[], host: string) => ({
    listeners: [{ port, protocol: 'https', certificates }],
    sts: { url: `https://${host}:${port}` },
    resolve: { '*.contoso.localhost': '127.0.0.1', 'sts.fabrikam.test': '127.0.0.1' },
  })
  const broken = await makeInstallation(
    folder,
    changes([good, soon, over, { certificate: 'none.pem', key: 'none.key' }], 'sts.fabrikam.test'),
  )
  const { code, stdout } = await broken.inThisProcess.run(['check', '--json'])
  t.equal(code, 1)
  const { findings } = JSON.parse(stdout) as Report
  const about = (subject: string) =>
    findings.filter((finding) => finding.area === 'certificate' && finding.subject === subject)
  t.match(about(join(folder, 'good.pem')), [{ result: 'ok', detail: /\*\.contoso\.localhost, ends / }])
  t.match(about(join(folder, 'soon.pem')), [{ result: 'warning', detail: /time to replace it/ }])
  t.match(about(join(folder, 'over.pem')), [{ result: 'failed', detail: /expired/ }])
  t.match(about(join(folder, 'none.pem')), [{ result: 'failed', detail: /does not exist/ }])
  t.match(about('sts.fabrikam.test'), [{ result: 'failed', detail: /covers it/ }])

  await writeFile(broken.file, JSON.stringify({ ...changes([good], 'sts.contoso.localhost') }))
  const server = await broken.serve()
  t.teardown(() => server.stop('SIGKILL'))
  const served = await broken.inThisProcess.run(['check', '--json'])
  t.equal(served.code, 0, served.stdout)
  const report = JSON.parse(served.stdout) as Report
  t.match(
    report.findings.filter(({ subject }) => subject.startsWith('https://sts.contoso.localhost')),
    [
      { area: 'certificate', result: 'warning', detail: /TLSv1\.3.*does not know the certificate's authority/ },
      { area: 'metadata', result: 'ok' },
    ],
  )
  // A host that no certificate covers cannot be published: the next start would fail.
  const urls = ['--external-url', `https://app.fabrikam.test:${port}/`, '--backend-url', 'http://app.corp.test/']
  t.match(await broken.inThisProcess.run(['app', 'publish', 'App', ...urls, '--preauthentication', 'pass-through']), {
    code: 4,
    stderr: /no certificate of the listener 127\.0\.0\.1 port \d+ covers app\.fabrikam\.test/,
  })
})

t.test('without a server it says so, and still looks at what can be looked at', async (t) => {
  const here = await makeInstallation(await temporaryFolder(t))
  const { code, stdout } = await here.inThisProcess.run(['check'])
  t.equal(code, 0)
  t.match(stdout, /^warning +server .*no server is at work/m)
  t.match(stdout, /^warning +metadata .*not fetched/m)
  t.match(stdout, /^ok +keys /m)
})

t.test('a federation server elsewhere that is not there is a failure', async (t) => {
  const metadataUrl = `http://127.0.0.1:${await freePort()}/FederationMetadata/2007-06/FederationMetadata.xml`
  const here = await makeInstallation(await temporaryFolder(t), {
    roles: ['proxy'],
    sts: undefined,
    proxy: { federationService: { metadataUrl } },
  })
  const { code, stdout } = await here.inThisProcess.run(['check'])
  t.equal(code, 1)
  t.match(stdout, /^failed +metadata .*could not be fetched: .*ECONNREFUSED/m)
})
