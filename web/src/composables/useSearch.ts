import { onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'

import { describeError } from '@/api/errors'

const PAUSE_MS = 200

/** This will look things up as somebody types: after a pause, and the latest question wins. */
export function useSearch<T>(find: (words: string) => Promise<T[]>, options: { whenEmpty: boolean }) {
  const words = ref('')
  const found: Ref<T[]> = shallowRef([])
  const searching = ref(false)
  const error = ref<string | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined
  let latest = 0

  async function look(): Promise<void> {
    const question = ++latest
    searching.value = true
    try {
      const answer = await find(words.value.trim())
      if (question !== latest) return
      found.value = answer
      error.value = null
    } catch (failure) {
      if (question === latest) error.value = describeError(failure)
    } finally {
      if (question === latest) searching.value = false
    }
  }

  watch(
    words,
    (value, before) => {
      clearTimeout(timer)
      if (value.trim() === '' && !options.whenEmpty) {
        latest += 1
        found.value = []
        searching.value = false
        return
      }
      timer = setTimeout(() => void look(), before === undefined ? 0 : PAUSE_MS)
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))

  return { words, found, searching, error, look }
}
