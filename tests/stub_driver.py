"""A driver of graphics cards that is none: a small `libnvidia-ml.so.1`, compiled here and loaded by the real binding.

It has two cards, the second with a slice, and does what the words in a file tell it to; they are read at every call, so
that a test can change its mood. What it was asked that matters is written to another file.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

GIB = 2**30
OTHER_CARD = "GPU-11111111-2222-3333-4444-555555555555"
"""Card 0: 24 GiB, hardly used, cool."""
CARD = "GPU-5b1f9c2e-7a55-4b5e-9d0e-11a2c77e3f2a"
"""Card 1, on which recorded runs compute: 79.6 GiB, 62.0 free, 93 % busy, 412 of 700 W, 61 °C, slows down at 89 °C."""
SLICE = "MIG-99999999-2222-3333-4444-555555555555"
"""A slice of card 1: 9.75 GiB, 4.00 free."""

_SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6, NOT_LOADED = 9,
       LOST = 15, UNKNOWN = 999 };

typedef struct { const char *uuid; unsigned index, busy, milliwatts, limit, celsius; unsigned long long total, free;
                 int is_slice; } Device;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned gpu, memory; } Utilization;

#define GIB (1024ull * 1024 * 1024)
static Device devices[] = {
    {"GPU-11111111-2222-3333-4444-555555555555", 0, 3, 62000, 450000, 34, 24 * GIB, 23 * GIB, 0},
    {"GPU-5b1f9c2e-7a55-4b5e-9d0e-11a2c77e3f2a", 1, 93, 412300, 700000, 61, 796 * GIB / 10, 62 * GIB, 0},
    {"MIG-99999999-2222-3333-4444-555555555555", 1, 0, 0, 0, 0, 39 * GIB / 4, 4 * GIB, 1},
};
static int opened, asked;

static int told(const char *word)
{
    char text[512];
    FILE *file = fopen(getenv("STUB_MOOD"), "r");
    if (!file) return 0;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return strstr(text, word) != NULL;
}

static void note(const char *what)
{
    FILE *file = fopen(getenv("STUB_NOTES"), "a");
    fprintf(file, "%s\n", what);
    fclose(file);
}

static int answer(Device *device, const char *name)
{
    char refused[64];
    snprintf(refused, sizeof refused, "no-%s", name);
    if (!opened || told("reset")) return UNINITIALIZED;
    if (told("hangs")) for (;;) pause();
    if (told("lost") && device->index == 1) return LOST;
    if (told("silent")) return UNKNOWN;
    if (device->is_slice && told("refuses")) return NO_PERMISSION;
    return told(refused) ? NOT_SUPPORTED : OK;
}

int nvmlInitWithFlags(unsigned flags)
{
    note("init");
    if (told("unloaded")) return NOT_LOADED;
    opened = 1;
    return OK;
}
int nvmlShutdown(void) { note("shutdown"); opened = 0; return OK; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device)
{
    note("by index");
    *device = &devices[index];
    return OK;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, Device **device)
{
    if (!opened || told("reset")) return UNINITIALIZED;
    for (int place = 0; place < 3; place++)
        if (strcmp(uuid, devices[place].uuid) == 0) {
            *device = &devices[place];
            return told("forbidden") ? NO_PERMISSION : OK;
        }
    return strlen(uuid) == 40 ? NOT_FOUND : INVALID;
}
int nvmlDeviceGetIndex(Device *device, unsigned *index) { *index = device->index; return answer(device, "index"); }
int nvmlDeviceGetMemoryInfo(Device *device, Memory *memory)
{
    *memory = (Memory){device->total, device->free, device->total - device->free};
    return answer(device, "memory");
}
int nvmlDeviceGetUtilizationRates(Device *device, Utilization *rates)
{
    if (told("moody") && asked++ % 2) return UNKNOWN;
    *rates = (Utilization){device->busy, 10};
    return device->is_slice || told("sliced") ? NOT_SUPPORTED : answer(device, "busy");
}
int nvmlDeviceGetPowerUsage(Device *device, unsigned *power)
{
    *power = device->milliwatts;
    return device->is_slice ? NOT_SUPPORTED : answer(device, "power");
}
int nvmlDeviceGetEnforcedPowerLimit(Device *device, unsigned *limit)
{
    *limit = device->limit;
    return device->is_slice ? NOT_SUPPORTED : answer(device, "limit");
}
int nvmlDeviceGetTemperature(Device *device, int sensor, unsigned *celsius)
{
    *celsius = told("hot") ? 87 : device->celsius;
    return device->is_slice || sensor != 0 ? NOT_SUPPORTED : answer(device, "temperature");
}
#ifndef OLD
int nvmlDeviceGetTemperatureThreshold(Device *device, int kind, unsigned *celsius)
{
    *celsius = kind == 0 ? 92 : kind == 1 ? 89 : 50;
    return answer(device, "threshold");
}
int nvmlDeviceGetCurrentClocksEventReasons(Device *device, unsigned long long *reasons)
{
    *reasons = told("throttled") ? 0x20 : told("braked") ? 0x80 : 0x4;
    return answer(device, "reasons");
}
int nvmlDeviceIsMigDeviceHandle(Device *device, unsigned *is) { *is = device->is_slice; return OK; }
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device *slice, Device **card)
{
    *card = &devices[1];
    return told("refuses") ? NO_PERMISSION : OK;
}
int nvmlDeviceGetMigMode(Device *device, unsigned *now, unsigned *then)
{
    *now = *then = told("sliced");
    return device->is_slice ? NOT_SUPPORTED : OK;
}
#endif
"""


@dataclass(frozen=True)
class StubDriver:
    """The library in a folder of its own, and what tells it what to do."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The present environment, in which a program finds this driver."""
        ours = {"LD_LIBRARY_PATH": str(self.folder), "STUB_MOOD": str(self._mood), "STUB_NOTES": str(self._notes)}
        return {**os.environ, **ours}

    @property
    def _mood(self) -> Path:
        return self.folder / "mood"

    @property
    def _notes(self) -> Path:
        return self.folder / "notes"

    def feel(self, *words: str) -> None:
        """Do from now on as told, such as `no-power`."""
        self._mood.write_text(" ".join(words))

    @property
    def notes(self) -> list[str]:
        """How often it was opened and closed, and whether anyone counted cards."""
        return self._notes.read_text().split("\n")[:-1] if self._notes.exists() else []


def stub_driver(folder: Path, defines: Iterable[str] = ()) -> StubDriver:
    """Compile the library into `folder`; with `OLD` it is one that knows less."""
    folder.mkdir(parents=True)
    source = folder / "stub.c"
    source.write_text(_SOURCE)
    options = ["-shared", "-fPIC", "-O1", "-w", *(f"-D{each}" for each in defines)]
    subprocess.run(["gcc", *options, "-o", str(folder / "libnvidia-ml.so.1"), str(source)], check=True)
    return StubDriver(folder)
