import t from 'tap'
import { isGuid, requestIdFrom } from '../../../src/sts/http/request-id.ts'

t.test('a GUID that came with the request is kept as it was written', async (t) => {
  for (const id of ['0A1B2C3D-0000-4000-8000-00000000000F', '0a1b2c3d-0000-4000-8000-00000000000f']) {
    t.equal(requestIdFrom(id), id)
  }
})

t.test('anything else gets a new one in upper case', async (t) => {
  for (const id of [
    undefined,
    '',
    'x',
    '{0A1B2C3D-0000-4000-8000-00000000000F}',
    '0A1B2C3D-0000-4000-8000-00000000000F\n',
    '<script>',
  ]) {
    const made = requestIdFrom(id)
    t.match(made, /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/)
    t.ok(isGuid(made))
    t.not(made, id)
  }
})
