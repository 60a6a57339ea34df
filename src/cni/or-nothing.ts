import * as v from 'valibot'

/** A field that may be missing. Programs in Go write an empty one as '' or null: that is missing too. */
export function orNothing<Schema extends v.GenericSchema>(schema: Schema) {
  return v.optional(
    v.pipe(
      v.unknown(),
      v.transform((value) => (value === '' || value === null ? undefined : value)),
      v.optional(schema),
    ),
  )
}
