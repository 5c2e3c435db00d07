import t from 'tap'
import { servicePrincipalName } from '../../../src/sts/trusts/service-principal-name.ts'

for (const spn of ['HTTP/app.corp.test', 'http/app', 'HTTP/app.corp.test:8443', 'MSSQLSvc/db_1.corp.test:1433']) {
  t.test(`${spn} may be delegated to`, async (t) => t.same(servicePrincipalName(spn), { value: spn }))
}

for (const spn of [
  '',
  'app.corp.test',
  '/app.corp.test',
  'HTTP/',
  'HTTP/*',
  'HTTP/*.corp.test',
  '*/app.corp.test',
  'HTTP/app.corp.test@OTHER.TEST',
  'HTTP/app.corp.test/other',
  'HTTP/app corp.test',
  'HTTP/app.corp.test\n',
  'HTTP/app.corp.test\u0000',
  'HTTP\\app.corp.test',
  'HTTP/app..corp.test',
  'HTTP/-app.corp.test',
  'HTTP/192.0.2.7',
  'HTTP/[2001:db8::1]',
  'HTTP/app.corp.test:',
  'HTTP/app.corp.test:0',
  'HTTP/app.corp.test:65536',
  `HTTP/${'a'.repeat(64)}.test`,
  `HTTP/${'a.'.repeat(200)}test`,
]) {
  t.test(`refused as no service/host: ${JSON.stringify(spn.slice(0, 40))}`, async (t) =>
    t.match(servicePrincipalName(spn), { problem: /service\/host/ }),
  )
}

for (const spn of [
  'cifs/files.corp.test',
  'CIFS/files',
  'ldap/dc.corp.test',
  'HOST/app.corp.test',
  'krbtgt/corp.test',
]) {
  t.test(`refused because nobody's identity goes there: ${spn}`, async (t) =>
    t.match(servicePrincipalName(spn), { problem: /never delegated/ }),
  )
}
