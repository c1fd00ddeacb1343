// WeChat Pay and its merchant as the npm package wechatpay-axios-plugin signs, seals, verifies and opens.
'use strict'

const { createPublicKey, generateKeyPairSync } = require('node:crypto')
const { Aes: { AesGcm }, Decorator, Formatter, Rsa } = require('wechatpay-axios-plugin')
const { serve } = require('../node_process.cjs')

const given = JSON.parse(process.argv[2])
const merchant = Rsa.from(given.merchantKey, Rsa.KEY_TYPE_PRIVATE)
const merchantPublic = createPublicKey(merchant)
const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
let answer = { status: 200, said: {}, isFlipped: false }
let heard = []

const flip = (base64) => {
  const bytes = Buffer.from(base64, 'base64')
  bytes[0] ^= 1
  return bytes.toString('base64')
}

const signed = (body) => {
  const timestamp = Formatter.timestamp()
  const nonce = Formatter.nonce()
  return {
    'Wechatpay-Timestamp': String(timestamp),
    'Wechatpay-Nonce': nonce,
    'Wechatpay-Serial': given.keyId,
    'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048',
    'Wechatpay-Signature': Rsa.sign(Formatter.response(timestamp, nonce, body), own.privateKey)
  }
}

const acts = {
  seal: ({ kind, said, isFlipped }) => {
    const nonce = Formatter.nonce(12)
    const sealed = AesGcm.encrypt(JSON.stringify(said), given.apiKey, nonce, 'transaction')
    const ciphertext = isFlipped ? flip(sealed) : sealed
    const body = JSON.stringify({
      id: Formatter.nonce(),
      create_time: new Date().toISOString(),
      resource_type: 'encrypt-resource',
      event_type: kind,
      resource: { algorithm: 'AEAD_AES_256_GCM', ciphertext, associated_data: 'transaction', nonce }
    })
    return { headers: signed(body), body }
  },

  open: ({ headers, body, publicKey }) => {
    const text = Formatter.response(headers['Wechatpay-Timestamp'], headers['Wechatpay-Nonce'], body)
    if (!Rsa.verify(text, headers['Wechatpay-Signature'], Rsa.from(publicKey, Rsa.KEY_TYPE_PUBLIC))) {
      throw new Error('the signature is wrong')
    }
    const { ciphertext, nonce, associated_data: about } = JSON.parse(body).resource
    return JSON.parse(AesGcm.decrypt(ciphertext, given.apiKey, nonce, about))
  },

  isMerchants: ({ parts, signature }) => Rsa.verify(Formatter.joinedByLineFeed(...parts), signature, merchantPublic),

  ask: async ({ address, publicKey, keyId, path, method, content }) => {
    const certs = { [keyId]: publicKey }
    const client = new Decorator({ baseURL: address, mchid: given.mchid, serial: given.serial, privateKey: merchant, certs })
    const { status, data } = await client.request(path, method, content)
    return { status, said: data }
  },

  rows: ({ bill }) => Formatter.castCsvBill(Buffer.from(bill, 'base64')),

  answer: (wanted) => {
    answer = wanted
    heard = []
  },

  heard: () => heard
}

serve({ publicKey: own.publicKey.export({ type: 'spki', format: 'pem' }) }, acts, (method, url, headers, body) => {
  const said = Object.fromEntries([...headers.authorization.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
  const text = Formatter.request(method, url, said.timestamp, said.nonce_str, body)
  const isMerchants = said.mchid === given.mchid && Rsa.verify(text, said.signature, merchantPublic)
  heard.push({ method, url, isMerchants, body })
  const content = JSON.stringify(isMerchants ? answer.said : { code: 'SIGN_ERROR' })
  const ours = signed(content)
  if (answer.isFlipped) ours['Wechatpay-Signature'] = flip(ours['Wechatpay-Signature'])
  return [isMerchants ? answer.status : 401, ours, content]
})
