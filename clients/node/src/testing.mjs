import testing from './testing.js'

export const { startDevstack } = testing
