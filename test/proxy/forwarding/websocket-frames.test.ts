import t from 'tap'
import { closeFrame, FrameBoundary } from '../../../src/proxy/forwarding/websocket-frames.ts'

const frame = (length: number, masked = false): Buffer => {
  const mask = masked ? 0x80 : 0
  const head =
    length < 126
      ? Buffer.of(0x82, mask | length)
      : length < 65_536
        ? Buffer.of(0x82, mask | 126, length >> 8, length & 255)
        : Buffer.concat([
            Buffer.of(0x82, mask | 127, 0, 0, 0, 0),
            Buffer.of(length >> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255),
          ])
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0, 7), Buffer.alloc(length, 0x88)])
}

for (const masked of [false, true])
  for (const length of [0, 1, 125, 126, 65_535, 65_536, 70_000])
    t.test(`finds the end of a ${masked ? 'masked ' : ''}frame of ${length} bytes, however it is cut`, async (t) => {
      const bytes = Buffer.concat([frame(length, masked), frame(3, masked)])
      const end = frame(length, masked).length
      for (const step of [1, 2, 3, 7, 1_000, bytes.length]) {
        if (step < 7 && length > 1_000) continue
        const boundary = new FrameBoundary()
        t.equal(boundary.clear, true)
        const clear: number[] = []
        for (let at = 0; at < bytes.length; ) {
          at += boundary.follow(bytes.subarray(at, at + step), true)
          if (boundary.clear) clear.push(at)
        }
        t.same(clear, [end, bytes.length])
      }
    })

t.test('a close frame carries code and reason; masked towards a backend', async (t) => {
  t.same(closeFrame(1008, 'no', false), Buffer.of(0x88, 4, 0x03, 0xf0, 0x6e, 0x6f))
  const masked = closeFrame(1008, 'no', true)
  t.same([...masked.subarray(0, 2)], [0x88, 0x84])
  const plain = [...masked.subarray(6)].map((byte, at) => byte ^ (masked[2 + (at % 4)] as number))
  t.same(plain, [0x03, 0xf0, 0x6e, 0x6f])
})
