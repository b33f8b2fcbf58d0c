// A message centre by node-smpp, an SMPP of its own: it brings what lines of JSON on stdin say and tells what it is given.
const smpp = require('smpp');
let session = null, count = 0;
const tell = (what) => console.log(JSON.stringify(what));
const server = smpp.createServer((one) => {
  one.on('bind_transceiver', (pdu) => {
    one.send(pdu.response());
    session = one;
    tell({ bound: pdu.system_id, password: pdu.password });
  });
  one.on('submit_sm', (pdu) => {
    const name = 'n' + ++count, message = pdu.short_message;
    one.send(pdu.response({ message_id: name }));
    tell({ from: pdu.source_addr, to: pdu.destination_addr, text: message.message, coding: pdu.data_coding,
           header: message.udh ? message.udh.map((each) => each.toString('hex')) : [], name });
  });
  one.on('enquire_link', (pdu) => one.send(pdu.response()));
  one.on('unbind', (pdu) => { one.send(pdu.response()); one.close(); });
  one.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }));
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const what = JSON.parse(line);
  if (what.udh) {
    what.short_message = { udh: Buffer.from(what.udh, 'hex'), message: what.short_message };
    delete what.udh;
  }
  session.deliver_sm(what, (pdu) => tell({ answered: pdu.command_status }));
}).on('close', () => process.exit(0));
