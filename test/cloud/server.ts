/** The network in front of the cloud: a proxy that ends TLS for the cloud's names and lets nobody through to others. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Certificate } from "./certificate.ts";
import { serviceAt } from "./http.ts";

export interface Network {
  /** For the variable HTTPS_PROXY. */
  readonly proxyUrl: string;
  close(): Promise<void>;
}

export interface NetworkHandlers {
  /** Answers what was asked of one of the cloud's hosts. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
  /** Answers who opens the proxy's own address in a browser. */
  readonly answerBrowser: (request: IncomingMessage, response: ServerResponse) => void;
  /** Hears of hosts that are no part of the cloud. */
  readonly refuseHost: (host: string) => void;
}

/** Listens on loopback, on a free port unless one is given. @throws Error where something else listens there */
export async function openNetwork(certificate: Certificate, handlers: NetworkHandlers, port = 0): Promise<Network> {
  const inside = createTlsServer({ ...certificate, ALPNProtocols: ["http/1.1"] }, handlers.answer);
  const proxy = createServer(handlers.answerBrowser);
  const sockets = new Set<Socket>();
  proxy.on("connection", (socket) => {
    sockets.add(socket);
    // Clients that are killed reset their connections.
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  });
  proxy.on("connect", (request: IncomingMessage, socket: Socket) => {
    const [host = ""] = (request.url ?? "").split(":");
    if (serviceAt(host) === undefined) {
      handlers.refuseHost(host);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      return;
    }
    socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    inside.emit("connection", socket);
  });
  inside.on("tlsClientError", () => undefined);
  // Go keeps connections for minutes and fails where one is closed just as it is used again.
  inside.keepAliveTimeout = 600_000;
  proxy.listen(port, "127.0.0.1");
  await once(proxy, "listening");
  return {
    proxyUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}
