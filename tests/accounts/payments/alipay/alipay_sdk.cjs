// Alipay and an app at it as the npm package alipay-sdk, which is Alipay's own, signs and verifies.
'use strict'

const { createPrivateKey, createPublicKey, generateKeyPairSync } = require('node:crypto')
const path = require('node:path')
const { AlipaySdk } = require('alipay-sdk')
const { signatureV3 } = require(path.join(path.dirname(require.resolve('alipay-sdk')), 'util.js'))
const { serve } = require('../node_process.cjs')

const given = JSON.parse(process.argv[2])
const pem = (key) => key.export({ type: 'spki', format: 'pem' }).trim()
const appPublic = pem(createPublicKey(createPrivateKey(given.appKey)))
const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ownPem = own.privateKey.export({ type: 'pkcs1', format: 'pem' })
let answer = { said: {}, isFlipped: false }
let heard = []

const sdk = (alipayPublicKey, more = {}) => {
  return new AlipaySdk({ appId: given.appid, privateKey: given.appKey.trim(), alipayPublicKey, camelcase: false, ...more })
}

const flip = (base64) => {
  const bytes = Buffer.from(base64, 'base64')
  bytes[0] ^= 1
  return bytes.toString('base64')
}

const acts = {
  notify: ({ said }) => {
    const text = Object.keys(said).sort().map((name) => `${name}=${said[name]}`).join('&')
    return String(new URLSearchParams({ ...said, sign: signatureV3(text, ownPem), sign_type: 'RSA2' }))
  },

  believes: ({ body, publicKey }) => sdk(publicKey.trim()).checkNotifySignV2(Object.fromEntries(new URLSearchParams(body))),

  ask: ({ address, publicKey, method, params }) => {
    return sdk(publicKey.trim(), { gateway: address }).exec(method, params, { validateSign: true })
  },

  serials: ({ app, alipay, root }) => {
    const { config } = sdk(undefined, { appCertContent: app, alipayPublicCertContent: alipay, alipayRootCertContent: root })
    return [config.appCertSn, config.alipayCertSn, config.alipayRootCertSn]
  },

  answer: (wanted) => {
    answer = wanted
    heard = []
  },

  heard: () => heard
}

serve({ publicKey: pem(own.publicKey) }, acts, (verb, url, headers, body) => {
  const asked = Object.fromEntries([...new URL(url, 'http://127.0.0.1').searchParams, ...new URLSearchParams(body)])
  const isTheApps = asked.app_id === given.appid && sdk(appPublic).checkNotifySignV2(asked)
  heard.push({ method: asked.method, isTheApps, content: asked.biz_content })
  const invalid = { code: '40002', msg: 'Invalid Arguments', sub_code: 'isv.invalid-signature' }
  const said = JSON.stringify(isTheApps ? answer.said : invalid)
  const signature = signatureV3(said, ownPem)
  const sign = answer.isFlipped ? flip(signature) : signature
  return [200, {}, `{"${asked.method.replaceAll('.', '_')}_response":${said},"sign":"${sign}"}`]
})
