import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { askingPod, injected } from '../support/injection.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { findTool, runTool } from './support/tools.ts';

interface Container {
  name: string;
  env: { name: string; value: string }[];
}
interface Pod {
  spec: {
    initContainers: Container[];
    containers: Container[];
    hostAliases: { ip: string; hostnames: string[] }[];
  };
}

const POD = fileURLToPath(new URL('support/transparent-pod.js', import.meta.url));
const URL_WIRED_IN = 'https://api.weixin.qq.com/cgi-bin/getcallbackip';

const GO = `package main
import ("fmt"; "io"; "net/http"; "os")
func main() {
  answer, err := http.Get("${URL_WIRED_IN}")
  if err != nil { fmt.Println(err); os.Exit(1) }
  body, _ := io.ReadAll(answer.Body)
  fmt.Print(string(body))
}
`;
const JAVA = `import java.net.*;
public class Call {
  public static void main(String[] args) throws Exception {
    System.out.print(new String(new URL("${URL_WIRED_IN}").openStream().readAllBytes()));
  }
}
`;

/** By both ways that its programs have. */
const PHP = `$curl = curl_init('${URL_WIRED_IN}');
curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
$answer = curl_exec($curl);
if ($answer === false) { fwrite(STDERR, curl_error($curl)); exit(1); }
if (file_get_contents('${URL_WIRED_IN}') === false) exit(2);
echo $answer;`;

/** By name, the tool that it needs and how it is run, once there is a folder for its source. */
const CLIENTS: Readonly<
  Record<string, { tool: string; prepare: (folder: string) => readonly string[] | undefined }>
> = {
  node: {
    tool: 'node',
    prepare: () => [
      'node',
      '-e',
      `fetch('${URL_WIRED_IN}').then(a=>a.text()).then(t=>process.stdout.write(t))`,
    ],
  },
  curl: { tool: 'curl', prepare: () => ['curl', '-sS', URL_WIRED_IN] },
  python: {
    tool: 'python3',
    prepare: () => [
      'python3',
      '-c',
      `import urllib.request as u; print(u.urlopen('${URL_WIRED_IN}').read().decode())`,
    ],
  },
  'python requests': {
    tool: 'python3',
    prepare: () =>
      has('python3', '-c', 'import requests')
        ? ['python3', '-c', `import requests; print(requests.get('${URL_WIRED_IN}').text)`]
        : undefined,
  },
  go: {
    tool: 'go',
    prepare(folder) {
      writeFileSync(join(folder, 'main.go'), GO);
      execFileSync('go', ['build', '-o', join(folder, 'call'), join(folder, 'main.go')], { stdio: 'pipe' });
      return [join(folder, 'call')];
    },
  },
  php: {
    tool: 'php',
    prepare: () =>
      has('php', '-r', 'exit(extension_loaded("curl") && extension_loaded("openssl") ? 0 : 1);')
        ? ['php', '-r', PHP]
        : undefined,
  },
  java: {
    tool: 'java',
    prepare(folder) {
      writeFileSync(join(folder, 'Call.java'), JAVA);
      return has('java', '--version') ? ['java', join(folder, 'Call.java')] : undefined;
    },
  },
};

function has(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

const NAMESPACES = ['-Urmn', '--fork', '--kill-child'];
const missing =
  findTool('unshare') !== undefined &&
  has('unshare', ...NAMESPACES, 'sh', '-c', 'mount -t tmpfs none /run && ip link set lo up')
    ? undefined
    : 'this machine lets us have no namespaces of our own';

const withNamespaces = missing === undefined ? test : test.skip;
const skipped = missing === undefined ? '' : ` (skipped: ${missing})`;

withNamespaces(
  `programs with the host name wired in call through the sidecar, unchanged${skipped}`,
  async (t) => {
    const { spec } = injected(askingPod({ 'wechat-sidecar.io/transparent': 'true' })).pod as Pod;
    const environment = ({ env }: Container): Record<string, string> =>
      Object.fromEntries(env.map(({ name, value }) => [name, value]));
    const {
      WECHAT_SIDECAR_HUB_URL: _,
      WECHAT_SIDECAR_HUB_TOKEN_FILE: __,
      ...sidecar
    } = environment(spec.initContainers[0] as Container);
    const container = environment(spec.containers[0] as Container);
    const hosts = spec.hostAliases.map(({ ip, hostnames }) => `${ip} ${hostnames.join(' ')}\n`).join('');
    await callAll(t, { sidecar, container, hosts });
  },
);

for (const doc of ['docs/install.md', 'docs/install.zh-CN.md']) {
  withNamespaces(
    `the recipe of ${doc} for such programs outside Kubernetes works as written${skipped}`,
    async (t) => {
      const blocks = [
        ...readFileSync(doc, 'utf8').matchAll(/```(?:sh|text)\n# (\/etc\/[\w./-]+)[^\n]*\n([^]*?)```/g),
      ];
      const files = Object.fromEntries(blocks.map(([, path = '', text = '']) => [path, text]));
      const variables = (path: string): Record<string, string> =>
        Object.fromEntries(
          (files[path] ?? '')
            .trim()
            .split('\n')
            .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
        );
      await callAll(t, {
        sidecar: variables('/etc/wechat-sidecar/transparent.env'),
        container: variables('/etc/wechat-sidecar/trust.env'),
        hosts: files['/etc/hosts'] ?? '',
      });
    },
  );
}

/** Every client that this machine has makes two calls, and the token ends in between. */
async function callAll(
  t: ExecutionContext,
  {
    sidecar,
    container,
    hosts,
  }: { sidecar: Record<string, string>; container: Record<string, string>; hosts: string },
): Promise<void> {
  const folder = temporaryFolder(t);
  const clients: Record<string, readonly string[]> = {};
  for (const [name, { tool, prepare }] of Object.entries(CLIENTS)) {
    const command = findTool(tool) === undefined ? undefined : prepare(folder);
    if (command === undefined) t.log(`${name} is not here and was left out`);
    else clients[name] = command;
  }
  t.true('node' in clients);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const task = file('task.json', JSON.stringify({ sidecar, container, clients }));
  const script = [
    'set -e',
    'mount -t tmpfs none /run',
    `mount --bind ${file('hosts', `127.0.0.1 localhost\n${hosts}`)} /etc/hosts`,
    `mount --bind ${file('resolv.conf', 'nameserver 127.0.0.1\n')} "$(readlink -f /etc/resolv.conf)"`,
    'echo 443 > /proc/sys/net/ipv4/ip_unprivileged_port_start',
    'ip link set lo up',
    `exec ${process.execPath} ${POD} ${task}`,
  ].join('\n');
  const { code, err } = await runTool('unshare', [...NAMESPACES, 'sh', '-c', script]);
  t.is(code, 0, err);
  const { results, metrics } = JSON.parse(readFileSync(task, 'utf8')) as {
    results: Record<string, string[]>;
    metrics: string;
  };
  t.deepEqual(Object.keys(results), Object.keys(clients));
  for (const [name, answers] of Object.entries(results)) {
    for (const answer of answers) t.regex(answer, /"ip_list"/, name);
  }
  // The second call of each met a token that had ended, and was healed.
  const healed = [...metrics.matchAll(/replays_total\{[^}]*outcome="recovered"[^}]*\} (\d+)/g)].map((match) =>
    Number(match[1]),
  );
  t.deepEqual(healed, [Object.keys(clients).length]);
}
