/**
 * Every conversation this person is in, by id, each as the log state that events are folded into. Snapshots come over HTTP, changes
 * as frames; both end in `change`.
 */

import { defineStore } from 'pinia'
import { computed, ref, shallowReactive } from 'vue'

import * as api from '@/api/conversations'
import { ApiError } from '@/api/errors'
import { fetchEvents, fetchMessages } from '@/api/messages'
import type { ChatEvent } from '@/contract/events'
import type { Conversation } from '@/contract/model'
import { jumpTo } from '@/realtime/loading'
import { openLog, type LogState } from '@/realtime/log'
import { markRead } from '@/realtime/readMarker'
import { applyEvents } from '@/realtime/reducer'
import { createLogLoader } from '@/stores/logLoader'
import { usePeopleStore } from '@/stores/usePeopleStore'
import { useSessionStore } from '@/stores/useSessionStore'

type Listener = (id: string, applied: readonly ChatEvent[]) => void

export const useConversationsStore = defineStore('conversations', () => {
  const session = useSessionStore()
  const people = usePeopleStore()
  const logs = shallowReactive(new Map<string, LogState>())
  const loaded = ref(false)
  const listeners: Listener[] = []
  /** Events of conversations whose summary is still under way. */
  const early = new Map<string, ChatEvent[]>()
  /** Left on this page: what still comes of them, one's own removal above all, is of no interest. */
  const departed = new Set<string>()

  const list = computed(() => [...logs.values()].filter((log) => !log.gone).sort(byActivity))
  const unread = computed(() => list.value.reduce((sum, log) => sum + log.conversation.unread_count, 0))

  const loader = createLogLoader(
    { get: (id) => logs.get(id), change, apply, drop, wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
    { fetchConversation: api.fetchConversation, fetchMembers: api.fetchMembers, fetchMessages, fetchEvents },
  )

  function get(id: string): LogState | undefined {
    return logs.get(id)
  }

  function change(id: string, to: (state: LogState) => LogState): void {
    const before = logs.get(id)
    if (!before) return
    const after = to(before)
    if (after === before) return
    logs.set(id, after)
    if (after.messages !== before.messages) people.meet(after.messages.map((message) => message.sender))
    if (after.members && after.members !== before.members) people.meet(after.members.map((member) => member.user))
    if (after.gone) return drop(id)
    if (after.stale && !before.stale) refetch(id)
  }

  function drop(id: string): void {
    if (logs.delete(id)) departed.add(id)
    early.delete(id)
  }

  /** Take over a summary from the answer to a call; a conversation known already keeps what it knows. */
  function adopt(conversation: Conversation): void {
    if (logs.has(conversation.id)) return
    departed.delete(conversation.id)
    if (conversation.peer) people.meet([conversation.peer])
    if (conversation.last_message) people.meet([conversation.last_message.sender])
    logs.set(conversation.id, openLog(session.me, conversation))
  }

  async function load(): Promise<void> {
    const found = await api.fetchConversations()
    found.forEach(adopt)
    loaded.value = true
  }

  function apply(id: string, events: readonly ChatEvent[]): void {
    const before = logs.get(id)
    if (!before) return departed.has(id) ? undefined : awaitSummary(id, events)
    const { state, applied, gap } = applyEvents(before, events)
    change(id, () => state)
    people.meet(applied.flatMap((event) => (event.kind === 'message.created' ? [event.data.sender] : [])))
    if (applied.length) listeners.forEach((listener) => listener(id, applied))
    if (gap) inBackground(loader.repair(id))
  }

  /** Fetch a conversation this page has not heard of; its events wait meanwhile. */
  function awaitSummary(id: string, events: readonly ChatEvent[]): void {
    const waiting = early.get(id)
    if (waiting) return void waiting.push(...events)
    early.set(id, [...events])
    inBackground(find(id))
  }

  async function find(id: string): Promise<void> {
    try {
      adopt(await api.fetchConversation(id))
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error
    } finally {
      const waiting = early.get(id) ?? []
      early.delete(id)
      if (waiting.length && logs.has(id)) apply(id, waiting)
    }
  }

  /** One is a member: now, or (when it is known already) for as long as this page knows. */
  function joined(id: string, lastSeq: number): void {
    const known = logs.get(id)
    if (!known) awaitSummary(id, [])
    else if (known.cursor < lastSeq) inBackground(loader.repair(id))
  }

  function resync(id: string, lastSeq: number): void {
    if (!logs.has(id)) return awaitSummary(id, [])
    change(id, (state) => jumpTo(state, lastSeq))
    refetch(id)
  }

  function read(id: string, seq: number): void {
    change(id, (state) => markRead(state, seq))
  }

  /** Make sure its newest messages are here. */
  async function open(id: string): Promise<void> {
    if (!logs.has(id)) adopt(await api.fetchConversation(id))
    if (logs.get(id)?.stale) await loader.refetch(id)
    while (logs.get(id)?.opened === false) await loader.loadNewest(id)
  }

  function refetch(id: string): void {
    inBackground(loader.refetch(id))
  }

  function onApplied(listener: Listener): void {
    listeners.push(listener)
  }

  function clear(): void {
    logs.clear()
    early.clear()
    departed.clear()
    loaded.value = false
  }

  return {
    logs, loaded, list, unread, get, adopt, load, apply, joined, drop, resync, read, open, onApplied, clear,
    loadOlder: loader.loadOlder, loadMembers: loader.loadMembers, refetch,
  }
})

function byActivity(a: LogState, b: LogState): number {
  return a.activeAt === b.activeAt ? a.conversation.id.localeCompare(b.conversation.id) : a.activeAt < b.activeAt ? 1 : -1
}

/** Nobody waits for it: the next frame, the next look or the next reconnect tries again. */
function inBackground(work: Promise<unknown>): void {
  work.catch(() => {})
}
