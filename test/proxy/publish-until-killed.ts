/** Publishes applications one after the other and says which are on disk, until it is killed. */
import { createSecretKey } from 'node:crypto'
import { openProxyStore } from '../../src/proxy/proxy-store.ts'
import { parsePublishedApplication } from '../../src/proxy/published-application.ts'

const [file = '', key = '', prefix = ''] = process.argv.slice(2)
const store = await openProxyStore({ file, masterKey: createSecretKey(Buffer.from(key, 'hex')) })
for (let at = 0; process.connected; at++) {
  const name = `${prefix}-${at}`
  const host = `${name}.contoso.test`
  await store.publish(
    parsePublishedApplication({
      name,
      externalUrl: `https://${host}/`,
      backendUrl: `http://${host}/`,
      preauthentication: 'pass-through',
    }),
  )
  process.send?.(name)
}
