/**
 * What an HTTP call can fail with: the server's problem details (docs/protocol.md section 2), or no answer at all.
 */

export interface FieldError {
  field: string
  code: string
  detail: string
}

export class ApiError extends Error {
  constructor(
    /** 0 when there was no answer. */
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly fields: readonly FieldError[] = [],
    readonly requestId: string | null = null,
    readonly retryAfterMs: number | null = null,
  ) {
    super(detail)
    this.name = 'ApiError'
  }

  /** No answer, or "come back later": the same call may work in a moment. */
  get temporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }

  fieldDetail(field: string): string | null {
    return this.fields.find((error) => error.field === field)?.detail ?? null
  }
}

/** This will say in words what went wrong. */
export function describeError(error: unknown): string {
  return error instanceof ApiError ? error.detail : 'Something went wrong. Please try again.'
}
