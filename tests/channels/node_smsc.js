// A message centre by node-smpp, an SMPP of its own: it brings what lines of JSON on stdin say and tells what it is given.
// What is not acknowledged when a session ends, or is refused, it brings again, as centres do.
const AGAIN_MS = 200;
const smpp = require('smpp');
let session = null, count = 0, brought = 0;
const waiting = new Map();
const tell = (what) => console.log(JSON.stringify(what));
const bring = (number) => {
  const to = session, what = waiting.get(number);
  if (!to || !what) return;
  to.deliver_sm({ ...what.pdu }, (pdu) => {
    if (pdu.command_status) {
      if (to === session) setTimeout(bring, AGAIN_MS, number);
    } else waiting.delete(number);
    tell({ answered: pdu.command_status, ref: what.ref });
  });
};
const server = smpp.createServer((one) => {
  one.on('bind_transceiver', (pdu) => {
    one.send(pdu.response());
    session = one;
    tell({ bound: pdu.system_id, password: pdu.password });
    for (const number of waiting.keys()) bring(number);
  });
  one.on('submit_sm', (pdu) => {
    const name = 'n' + ++count, message = pdu.short_message;
    one.send(pdu.response({ message_id: name }));
    tell({ from: pdu.source_addr, to: pdu.destination_addr, text: message.message, coding: pdu.data_coding,
           header: message.udh ? message.udh.map((each) => each.toString('hex')) : [], name });
  });
  one.on('enquire_link', (pdu) => one.send(pdu.response()));
  one.on('unbind', (pdu) => { one.send(pdu.response()); one.close(); });
  one.on('close', () => { if (one === session) session = null; });
  one.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }));
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { ref, ...pdu } = JSON.parse(line);
  if (pdu.udh) {
    pdu.short_message = { udh: Buffer.from(pdu.udh, 'hex'), message: pdu.short_message };
    delete pdu.udh;
  }
  waiting.set(++brought, { ref, pdu });
  bring(brought);
}).on('close', () => process.exit(0));
