import t from 'tap'
import { createListeners } from '../../../src/sts/store/listeners.ts'

t.test('every listener is told until it stops listening, one that is there twice twice', (t) => {
  const listeners = createListeners<number>()
  const heard: number[] = []
  const hear = (event: number) => void heard.push(event)
  const stop = listeners.add(hear)
  listeners.add(hear)
  listeners.tell(1)
  stop()
  listeners.tell(2)
  t.same(heard, [1, 1, 2])
  t.end()
})

t.test('a listener that throws keeps the news from nobody, and its error is not swallowed', (t) => {
  const listeners = createListeners<string>()
  const heard: string[] = []
  listeners.add(() => {
    throw new RangeError('first')
  })
  listeners.add((event) => void heard.push(event))
  t.throws(() => listeners.tell('news'), RangeError)
  t.same(heard, ['news'])
  t.end()
})
