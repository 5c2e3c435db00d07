import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

t.test('the example verifies one token, and says why it refuses the others', async (t) => {
  const example = fileURLToPath(new URL('../../examples/verify-edge-token.ts', import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [example])
  t.equal(stderr, '')
  t.match(stdout.split('\n'), [
    /: alice@contoso\.test, until /,
    /: refused, signature /,
    /: refused, resource /,
    /: refused, relying-party /,
  ])
})
