// A client of a message centre by node-smpp that keeps nothing: it acknowledges each text and answers it at once.
const smpp = require('smpp');
const session = smpp.connect({ url: 'smpp://127.0.0.1:' + process.argv[2] }, () => {
  session.bind_transceiver({ system_id: 'acme', password: 'geheim' });
});
session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  session.submit_sm({ source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, short_message: 'Answer' });
});
session.on('enquire_link', (pdu) => session.send(pdu.response()));
session.on('error', () => process.exit(1));
process.stdin.resume().on('end', () => process.exit(0));
