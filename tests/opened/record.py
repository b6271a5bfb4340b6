#!/usr/bin/env python3
"""Opens what the simulation wrote with Apache Kafka's own tools, and records what they print.

    cargo build && python3 tests/opened/record.py KTOOL tests/opened/*.txt

KTOOL is a program that runs one of Kafka's tools: `KTOOL kafka-dump-log --files ...`. Each transcript is played on a simulated cluster; its
commands of kafka-dump-log are then run by KTOOL on the data folders that the cluster's hosts end with (so they stand at the end of the
transcript), and what the real tool printed is written below them. tests/asked.rs compares that with what our own tool prints.
"""
import pathlib, re, shlex, subprocess, sys, tempfile

HOME = re.compile(r'/var/lib/(kafka-\d+)')


def printed(ktool, command, folder):
    words = [HOME.sub(lambda host: f'{folder}/{host[1]}', word) for word in shlex.split(command)]
    ran = subprocess.run([ktool, *words], capture_output=True, text=True)
    tidy = lambda text: text.replace(f'{folder}/', '/var/lib/').splitlines()
    lines = tidy(ran.stdout) + ['! ' + line for line in tidy(ran.stderr)]
    return lines + ([f'= {ran.returncode}'] if ran.returncode else [])


def record(ktool, script):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, 'played')
        disks = pathlib.Path(folder, 'disks')
        subprocess.run(['target/debug/ottla', 'record', script, out, '--disks', disks], check=True)
        lines, ours = [], False
        for line in out.read_text().splitlines():
            # What our own tool printed is not wanted, up to the next step.
            ours = ours and line[:2] not in ('$ ', '@ ', '& ', '# ')
            if line.startswith('$ kafka-dump-log.sh'):
                lines += [line, *printed(ktool, line[2:], disks), '']
                ours = True
            elif not ours:
                lines.append(line)
        pathlib.Path(script).write_text('\n'.join(lines).rstrip() + '\n')


for script in sys.argv[2:]:
    record(sys.argv[1], script)
