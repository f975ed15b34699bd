/**
 * Snapshot + events = later snapshot, on a story recorded from the messages service (services/messages/tests/recording.py);
 * tests/contract/test_law.py holds the Python law against the same file.
 */

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import type { ChatEvent } from '@/contract/events'
import type { Conversation, Member, MessagePage } from '@/contract/model'
import { readEvent } from '@/realtime/eventCodec'
import { mergeMembers, mergeNewest } from '@/realtime/loading'
import { openLog, type LogState } from '@/realtime/log'
import { applyEvents } from '@/realtime/reducer'

interface View {
  conversation: Conversation
  members: Member[]
  page: MessagePage
}

interface Story {
  people: Record<string, string>
  steps: { deed: string; seq: number; views: Record<string, View | null> }[]
  events: Record<string, unknown>[]
  log: Record<string, unknown>[]
}

const story = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../tests/contract/samples/law.json'), 'utf8')) as Story
const events = story.events.map(read)
const names = Object.keys(story.people)

function read(fields: Record<string, unknown>): ChatEvent {
  const event = readEvent(fields)
  if (!event) throw new Error(`no event: ${JSON.stringify(fields)}`)
  return event
}

function start(name: string, view: View): LogState {
  return mergeMembers(mergeNewest(openLog(story.people[name] as string, view.conversation), view.page), view.members)
}

/** The views of each time that somebody was a member without a break. */
function stays(name: string): View[][] {
  const found: View[][] = [[]]
  for (const { views } of story.steps) {
    const view = views[name]
    if (view) found.at(-1)?.push(view)
    else if (found.at(-1)?.length) found.push([])
  }
  return found.filter((stay) => stay.length > 0)
}

function expectView(state: LogState, view: View): void {
  expect(state.cursor).toBe(view.conversation.last_seq)
  expect(state.gone).toBe(false)
  expect(state.messages).toEqual(view.page.messages)
  expect(roles(state.members)).toEqual(roles(view.members))
  const { mention_count: mentions, ...summary } = view.conversation
  expect(state.conversation).toMatchObject(summary)
  // Which mentions an edit has added or taken away cannot be told without the message: the store then asks again.
  if (!state.stale) expect(state.conversation.mention_count).toBe(mentions)
}

function ends(name: string, event: ChatEvent): boolean {
  if (event.kind === 'member.removed') return event.data.user_id === story.people[name]
  return event.kind === 'conversation.deleted'
}

function roles(members: LogState['members']): [string, string][] {
  return (members ?? []).map((member): [string, string] => [member.user.id, member.role]).sort()
}

describe('the recorded story', () => {
  it.each(names)('as %s saw it: any snapshot and the events after it make every later one', (name) => {
    let pairs = 0
    for (const stay of stays(name)) {
      stay.forEach((early, place) => {
        for (const late of stay.slice(place)) {
          const between = events.slice(early.conversation.last_seq, late.conversation.last_seq)
          expectView(applyEvents(start(name, early), between).state, late)
          pairs += 1
        }
      })
    }
    expect(pairs).toBeGreaterThan(10)
  })

  it.each(names)('as %s saw it: what comes twice, or was known, changes nothing', (name) => {
    for (const stay of stays(name)) {
      stay.slice(1).forEach((late, place) => {
        const twice = events.slice(0, late.conversation.last_seq).flatMap((event) => [event, event])
        expectView(applyEvents(start(name, stay[place] as View), twice).state, late)
      })
    }
  })

  it('holds with the log as it is when later deletions have redacted it', () => {
    const stay = stays('grace').at(-1) as View[]
    const end = stay.at(-1) as View
    for (const early of stay) {
      expectView(applyEvents(start('grace', early), story.log.map(read).slice(0, end.conversation.last_seq)).state, end)
    }
  })

  it.each(names)('tells %s that it is over when it is, and not before', (name) => {
    for (const stay of stays(name)) {
      const last = stay.at(-1) as View
      const end = events.findIndex((event) => event.seq > last.conversation.last_seq && ends(name, event))
      expect(end).toBeGreaterThan(0)
      expect(applyEvents(start(name, last), events.slice(0, end)).state.gone).toBe(false)
      expect(applyEvents(start(name, last), events.slice(0, end + 1)).state.gone).toBe(true)
    }
  })

  it('has every kind of event that this client folds and the service can write', () => {
    expect(events.filter((event) => event.kind === 'unknown')).toEqual([])
    expect(new Set(events.map((event) => event.kind)).size).toBeGreaterThanOrEqual(8)
  })
})
