import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';

/** An MQTT broker inside this process, for the demo and for tests: loopback only, nothing stored. */
export interface EmbeddedBroker extends AsyncDisposable {
  readonly port: number;
  readonly webSocketPort: number;
}

export type BrokerPorts = {
  /** Ports to try first; 0 takes any free one. A port in use is replaced by a free one. */
  readonly port: number;
  readonly webSocketPort: number;
};

const host = '127.0.0.1';

/** The door to aedes and ws: MQTT 3.1.1 over TCP and over WebSocket. */
export async function openBroker(ports: BrokerPorts): Promise<Outcome<EmbeddedBroker>> {
  const broker = await Aedes.createBroker();
  const tcp = createServer(broker.handle);
  const http = createHttpServer((_request, response) => {
    // 426 Upgrade Required: this port speaks MQTT over WebSocket only.
    response.writeHead(426).end();
  });
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (client) => {
      sockets.emit('connection', client, request);
    });
  });
  sockets.on('connection', (socket, request) => {
    broker.handle(createWebSocketStream(socket), request);
  });
  const close = async (): Promise<void> => {
    for (const socket of sockets.clients) socket.terminate();
    http.closeAllConnections();
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    await Promise.all([closeServer(tcp), closeServer(http)]);
  };
  try {
    const port = await listen(tcp, ports.port);
    const webSocketPort = await listen(http, ports.webSocketPort);
    return success({ port, webSocketPort, [Symbol.asyncDispose]: close });
  } catch (error) {
    await close();
    const sentence = `cannot open a port for the embedded broker: ${messageOf(error)}`;
    return failure(fault('broker.port', sentence, 'Use a broker of your own with `sightd run`.'));
  }
}

async function listen(server: Server, wanted: number): Promise<number> {
  const first = await tryListen(server, wanted);
  const error = first !== undefined && wanted !== 0 ? await tryListen(server, 0) : first;
  if (error !== undefined) throw error;
  return (server.address() as AddressInfo).port;
}

function tryListen(server: Server, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const refused = (error: Error): void => resolve(error);
    server.once('error', refused);
    server.listen(port, host, () => {
      server.off('error', refused);
      resolve(undefined);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
