import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import * as outbox from '@/realtime/outbox'

import { ADA, GRACE, World } from '../support/world'

const draft = (id: string, conversation = 'room') => ({ id, conversation, body: `text of ${id}`, replyTo: null, createdAt: '' })
const queue = (...ids: string[]) => ids.reduce<outbox.Outbox>((all, id) => outbox.enqueue(all, draft(id)), [])
const ids = (items: readonly outbox.OutboxItem[]) => items.map((item) => item.id)
const soft: outbox.Refusal = { detail: 'Busy', retryable: true, retryAfterMs: null }
const hard: outbox.Refusal = { detail: 'No', retryable: false, retryAfterMs: null }

describe('the outbox', () => {
  it('has one message of a conversation on its way at a time, and conversations side by side', () => {
    let box = outbox.enqueue(queue('a', 'b'), draft('x', 'other'))
    expect(ids(outbox.due(box, 0))).toEqual(['a', 'x'])
    box = outbox.markSending(box, 'a', 0)
    expect(ids(outbox.due(box, 0))).toEqual(['x'])
    box = outbox.markAcked(box, 'a', 4)
    expect(ids(outbox.due(box, 0))).toEqual(['b', 'x'])
  })

  it('does not queue the same id twice', () => {
    expect(queue('a', 'a')).toHaveLength(1)
  })

  it('sends again, under the same id, what was under way when the connection went', () => {
    const box = outbox.requeue(outbox.markSending(queue('a', 'b'), 'a', 0))
    expect(ids(outbox.due(box, 0))).toEqual(['a'])
  })

  it('sends again what got no answer in time', () => {
    const box = outbox.markSending(queue('a'), 'a', 0)
    expect(outbox.nextDue(box)).toBe(outbox.ACK_TIMEOUT_MS)
    expect(ids(outbox.due(box, outbox.ACK_TIMEOUT_MS))).toEqual(['a'])
  })

  it('waits after a retryable refusal, as long as it was told, and holds the others back', () => {
    const box = outbox.markRefused(queue('a', 'b'), 'a', { ...soft, retryAfterMs: 700 }, 100)
    expect(ids(outbox.due(box, 799))).toEqual([])
    expect(ids(outbox.due(box, 800))).toEqual(['a'])
    expect(outbox.nextDue(box)).toBe(800)
  })

  it('gives up after some refusals, or at once after a final one, and lets the next go', () => {
    let box = queue('a', 'b')
    for (let n = 0; n < outbox.MAX_ATTEMPTS; n += 1) box = outbox.markRefused(box, 'a', soft, 0)
    expect(box[0]).toMatchObject({ state: 'failed', error: 'Busy' })
    expect(ids(outbox.due(box, 0))).toEqual(['b'])
    expect(outbox.markRefused(queue('c'), 'c', hard, 0)[0]?.state).toBe('failed')
  })

  it('retries a failed one with its id, behind the others; discards it on demand', () => {
    const failed = outbox.markRefused(queue('a', 'b'), 'a', hard, 0)
    const again = outbox.retry(failed, 'a')
    expect(ids(again)).toEqual(['b', 'a'])
    expect(again[1]).toMatchObject({ state: 'queued', attempts: 0, error: null })
    expect(ids(outbox.remove(failed, 'a'))).toEqual(['b'])
    expect(outbox.retry(queue('q'), 'q')[0]?.state).toBe('queued')
  })

  it('lets go of what the log has', () => {
    const world = new World()
    world.perform({ do: 'post', by: ADA, mention: false })
    world.perform({ do: 'post', by: GRACE, mention: false })
    const box = queue('c2', 'c3')
    expect(ids(outbox.settle(box, world.page().messages, ADA))).toEqual(['c3'])
  })

  it('keeps a refusal that comes after the ack from undoing it', () => {
    const acked = outbox.markAcked(queue('a'), 'a', 9)
    expect(outbox.markRefused(acked, 'a', hard, 0)[0]?.state).toBe('acked')
  })

  it('commits each message once and in order, whatever the line does', () => {
    const fate = fc.constantFrom('ack', 'lose frame', 'lose ack', 'refuse')
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fate, { maxLength: 60 }), (count, fates) => {
        let box = queue(...Array.from({ length: count }, (_, n) => `m${String(n)}`))
        const log: string[] = []
        let now = 0
        const deliver = (what: string) => {
          const item = outbox.due(box, now)[0]
          if (!item) return void (now = outbox.nextDue(box) ?? now)
          box = outbox.markSending(box, item.id, now)
          if ((what === 'ack' || what === 'lose ack') && !log.includes(item.id)) log.push(item.id)
          if (what === 'ack') box = outbox.markAcked(box, item.id, log.indexOf(item.id) + 1)
          else if (what === 'refuse') box = outbox.markRefused(box, item.id, { ...soft, retryAfterMs: 5 }, now)
          else box = outbox.requeue(box)
        }
        fates.forEach(deliver)
        for (let n = 0; n < 10 * count; n += 1) deliver('ack')
        const failed = ids(box.filter((item) => item.state === 'failed'))
        const expected = ids(box).filter((id) => !failed.includes(id) || log.includes(id))
        expect(log).toEqual([...expected].sort())
      }),
    )
  })
})
