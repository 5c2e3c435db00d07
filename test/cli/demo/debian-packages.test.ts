import t from 'tap'
import { requireDebianPackages } from '../../../src/cli/demo/kerberos/debian-packages.ts'

t.test('what is missing for a Kerberos demo is said in one line, each package once', async (t) => {
  const apache = (file: string) => (/apache2/.test(file) ? [] : [file])
  t.throws(() => requireDebianPackages(apache), {
    code: 'file',
    message: /^--kerberos needs [^\n]*apt-get install apache2 libapache2-mod-auth-gssapi$/,
  })
  const all = 'slapd ldap-utils krb5-kdc krb5-admin-server krb5-kdc-ldap apache2 libapache2-mod-auth-gssapi'
  t.throws(() => requireDebianPackages(() => []), { message: new RegExp(`apt-get install ${all}$`) })
  t.doesNotThrow(() => requireDebianPackages((file) => [file]))
})
