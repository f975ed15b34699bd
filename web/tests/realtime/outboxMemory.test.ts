import { describe, expect, it } from 'vitest'

import * as outbox from '@/realtime/outbox'
import { fromText, toText } from '@/realtime/outboxMemory'

import { ADA, GRACE } from '../support/world'

const draft = (id: string) => ({ id, conversation: 'room', body: `text of ${id} \u2028 👩‍🚀`, replyTo: id === 'b' ? 'm1' : null, createdAt: '2030' })
const queue = (...ids: string[]) => ids.reduce<outbox.Outbox>((all, id) => outbox.enqueue(all, draft(id)), [])

describe('the memory of the outbox', () => {
  it('gives back what was not confirmed, in its order, under its ids', () => {
    expect(fromText(toText(queue('a', 'b', 'c'), ADA), ADA)).toEqual(queue('a', 'b', 'c'))
  })

  it('queues again what was on its way, at once', () => {
    const box = outbox.markRefused(outbox.markSending(queue('a'), 'a', 5), 'a', { detail: 'Busy', retryable: true, retryAfterMs: 900 }, 5)
    expect(fromText(toText(outbox.markSending(queue('a'), 'a', 5), ADA), ADA)).toEqual(queue('a'))
    expect(fromText(toText(box, ADA), ADA)).toEqual(queue('a'))
  })

  it('leaves to the person what was given up, and why', () => {
    const box = outbox.markRefused(queue('a'), 'a', { detail: 'This conversation is archived.', retryable: false, retryAfterMs: null }, 0)
    expect(fromText(toText(box, ADA), ADA)).toMatchObject([{ id: 'a', state: 'failed', error: 'This conversation is archived.' }])
  })

  it('keeps nothing that is confirmed', () => {
    expect(toText(outbox.markAcked(queue('a'), 'a', 7), ADA)).toBeNull()
    expect(toText([], ADA)).toBeNull()
  })

  it('is nobody else\u2019s', () => {
    expect(fromText(toText(queue('a'), ADA), GRACE)).toEqual([])
  })

  it.each([null, '', '{', '[]', 'null', '{"person":"x"}', `{"person":"${ADA}","items":[1,null,{"id":"a"},{"id":"a","conversation":"r","body":""}]}`])(
    'reads nothing out of %s',
    (said) => {
      expect(fromText(said, ADA)).toEqual([])
    },
  )
})
