import t from 'tap'
import * as proxy from '../../src/proxy/index.ts'

t.test('gatehouse/proxy gives three names, and no more', async (t) => {
  t.strictSame(Object.keys(proxy).sort(), ['createPreauthenticator', 'createWebApplicationProxy', 'expressPreauth'])
})
