import { ref, shallowRef } from 'vue'

import { ApiError, describeError } from '@/api/errors'

/** One action at a time: whether it runs, and what it failed with. */
export function useSubmit() {
  const busy = ref(false)
  const failure = shallowRef<unknown>(null)

  /** This will run `work` unless something runs already, and say whether it succeeded. */
  async function submit(work: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    failure.value = null
    try {
      await work()
      return true
    } catch (error) {
      failure.value = error
      return false
    } finally {
      busy.value = false
    }
  }

  /** What is wrong with one field. */
  function fieldError(field: string): string | null {
    return failure.value instanceof ApiError ? failure.value.fieldDetail(field) : null
  }

  /** What is wrong with none of `fields` in particular. */
  function generalError(fields: readonly string[] = []): string | null {
    if (failure.value === null) return null
    return fields.some((field) => fieldError(field)) ? null : describeError(failure.value)
  }

  return { busy, submit, fieldError, generalError }
}
