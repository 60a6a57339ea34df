/**
 * Node's `http`. For an `import`, Node reads every export of a module of its own, and those of this one include
 * what loads a second HTTP client with its WebAssembly (undici, for `WebSocket`): 12 MiB of resident memory and
 * 40 ms of the start that nobody here needs (Node.js 24.21).
 */
export const http = process.getBuiltinModule('node:http')
