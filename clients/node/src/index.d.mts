export * from './index.js'
export { PayGate as default } from './index.js'
