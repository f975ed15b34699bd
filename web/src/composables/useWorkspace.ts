import { onScopeDispose, ref, watchEffect } from 'vue'

import { describeError } from '@/api/errors'
import { useConnectionStore } from '@/stores/useConnectionStore'
import { useConversationsStore } from '@/stores/useConversationsStore'
import { useOutboxStore } from '@/stores/useOutboxStore'
import { usePeopleStore } from '@/stores/usePeopleStore'
import { useSessionStore } from '@/stores/useSessionStore'
import { useTimelineStore } from '@/stores/useTimelineStore'
import { useTypingStore } from '@/stores/useTypingStore'

/** This will bring the workspace to life while its page is shown, and leave nothing of it behind. */
export function useWorkspace() {
  const session = useSessionStore()
  const conversations = useConversationsStore()
  const connection = useConnectionStore()
  const outbox = useOutboxStore()
  const failure = ref<string | null>(null)

  async function start(): Promise<void> {
    failure.value = null
    try {
      await conversations.load()
      if (session.status === 'signed_in') connection.start()
    } catch (error) {
      failure.value = describeError(error)
    }
  }

  const hurry = () => {
    if (document.visibilityState === 'visible') connection.hurry()
  }
  const warn = (event: BeforeUnloadEvent) => {
    if (outbox.items.some((item) => item.state !== 'acked')) event.preventDefault()
  }

  watchEffect(() => {
    document.title = conversations.unread > 0 ? `(${String(conversations.unread)}) Chatire` : 'Chatire'
  })
  window.addEventListener('online', hurry)
  window.addEventListener('beforeunload', warn)
  document.addEventListener('visibilitychange', hurry)
  onScopeDispose(() => {
    window.removeEventListener('online', hurry)
    window.removeEventListener('beforeunload', warn)
    document.removeEventListener('visibilitychange', hurry)
    connection.stop()
    for (const store of [conversations, outbox, useTimelineStore(), useTypingStore(), usePeopleStore()]) store.clear()
    document.title = 'Chatire'
  })
  outbox.restore()
  void start()

  return { failure, start }
}
