import { describe, expect, it } from 'vitest'

import { conversationName, firstLetter, formatDay, hueOf, snippet } from '@/composables/formatting'
import { mayDo, mayRemove } from '@/composables/mayDo'
import { nextPath } from '@/composables/nextPath'
import { timelineRows } from '@/composables/timelineRows'
import { enqueue, markAcked, markRefused } from '@/realtime/outbox'

import { ADA, GRACE, LINUS, person, ROOM, tombstone, World } from '../support/world'

function messages(...authors: string[]) {
  const world = new World()
  for (const by of authors) world.perform({ do: 'post', by, mention: false })
  return world.page().messages
}

const outbox = (id: string) => enqueue([], { id, conversation: ROOM, body: 'on its way', replyTo: null, createdAt: '2030-01-01T09:10:00Z' })
const kinds = (rows: ReturnType<typeof timelineRows>) => rows.map((row) => (row.type === 'message' ? row.view.state : row.type))

describe('the rows of a conversation', () => {
  it('begin with the day and draw runs of one sender together', () => {
    const rows = timelineRows(messages(GRACE, GRACE, LINUS, ADA), [], person(ADA), null)
    expect(kinds(rows)).toEqual(['day', 'sent', 'sent', 'sent', 'sent'])
    expect(rows.flatMap((row) => (row.type === 'message' ? [[row.view.continued, row.view.own]] : []))).toEqual([
      [false, false],
      [true, false],
      [false, false],
      [false, true],
    ])
  })

  it('draw a line per day', () => {
    const [first, second] = messages(GRACE, GRACE)
    const rows = timelineRows([first!, { ...second!, created_at: '2030-01-03T09:00:00Z' }], [], person(ADA), null)
    expect(kinds(rows)).toEqual(['day', 'sent', 'day', 'sent'])
  })

  it('draw the "New" line before the first unread one of somebody else', () => {
    const rows = timelineRows(messages(GRACE, ADA, GRACE, GRACE), [], person(ADA), 2)
    expect(kinds(rows)).toEqual(['day', 'sent', 'sent', 'unread', 'sent', 'sent'])
    expect(kinds(timelineRows(messages(GRACE), [], person(ADA), 99))).not.toContain('unread')
  })

  it('end with what is on its way, until the log has it', () => {
    const known = messages(ADA)
    expect(kinds(timelineRows(known, outbox('new'), person(ADA), null))).toEqual(['day', 'sent', 'pending'])
    expect(kinds(timelineRows(known, markAcked(outbox('new'), 'new', 3), person(ADA), null))).toEqual(['day', 'sent', 'sent'])
    expect(kinds(timelineRows(known, markRefused(outbox('new'), 'new', { detail: 'No', retryable: false, retryAfterMs: null }, 0), person(ADA), null))).toEqual(['day', 'sent', 'failed'])
    expect(kinds(timelineRows(known, outbox('c2'), person(ADA), null))).toEqual(['day', 'sent'])
  })

  it('keep the key of a row from sending to sent', () => {
    const before = timelineRows([], outbox('c2'), person(ADA), null).at(-1)
    const after = timelineRows(messages(ADA), [], person(ADA), null).at(-1)
    expect(after?.key).toBe(before?.key)
  })
})

describe('words', () => {
  it('name a conversation, its newest message and its days', () => {
    const world = new World()
    expect(conversationName(world.snapshot())).toBe('Engine room')
    expect(conversationName({ ...world.snapshot(), kind: 'direct', peer: person(GRACE) })).toBe('GRACE')
    const [message] = messages(ADA)
    expect(snippet(message!, ADA)).toBe('You: message 2')
    expect(snippet(tombstone(message!, 't'), ADA)).toBe('Message deleted')
    expect(snippet(null, ADA)).toBe('No messages yet')
    const now = new Date(2030, 0, 2, 12)
    expect(formatDay(new Date(2030, 0, 2, 1).toISOString(), now)).toBe('Today')
    expect(formatDay(new Date(2030, 0, 1, 23).toISOString(), now)).toBe('Yesterday')
  })

  it('take the first letter, whatever the script', () => {
    expect([firstLetter('åsa'), firstLetter(' 李'), firstLetter('🎩 hat'), firstLetter('')]).toEqual(['å', '李', '🎩', '?'])
    expect(hueOf(ADA)).toBe(hueOf(ADA))
  })
})

describe('who may do what', () => {
  it.each([
    ['group', 'member', { invite: true, rename: false, changeRoles: false, destroy: false, deleteOthers: false, leave: true }],
    ['channel', 'member', { invite: false, rename: false }],
    ['channel', 'admin', { invite: true, rename: true, changeRoles: false, destroy: false, deleteOthers: true }],
    ['group', 'owner', { invite: true, rename: true, changeRoles: true, destroy: true, deleteOthers: true }],
    ['direct', 'owner', { leave: false, invite: false, rename: false, changeRoles: false, destroy: false, deleteOthers: false }],
  ] as const)('%s, %s', (kind, role, expected) => {
    expect(mayDo({ kind, role })).toMatchObject(expected)
  })

  it('lets an admin remove members only', () => {
    expect([mayRemove('group', 'admin', 'member'), mayRemove('group', 'admin', 'admin'), mayRemove('group', 'owner', 'owner')]).toEqual([true, false, true])
    expect([mayRemove('group', 'member', 'member'), mayRemove('direct', 'owner', 'owner')]).toEqual([false, false])
  })
})

describe('where to go after signing in', () => {
  it.each([['/c/1', '/c/1'], ['//evil.example', '/'], ['/\\evil.example', '/'], ['https://evil.example', '/'], [undefined, '/'], [['/a', '/b'], '/']])('%j: %s', (next, path) => {
    expect(nextPath({ query: next === undefined ? {} : { next: next as string } })).toBe(path)
  })
})
