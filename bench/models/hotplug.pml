/*
 * SNP and CPU hotplug with every CPU told apart: hotplug.py beside this file, step for step.
 *
 * N is the number of CPUs, 1 to 8; they are bits of masks. A step is one statement or one d_step,
 * so that nothing is stored but the places between steps. Locals are zero when they say nothing.
 * A lock that is taken and released in the same step is only looked at.
 */

#ifndef N
#define N 3
#endif

/* OPTION(cpu) for every CPU: the options of an if or a do. */
#define EACH_1(OPTION) OPTION(0)
#define EACH_2(OPTION) EACH_1(OPTION) OPTION(1)
#define EACH_3(OPTION) EACH_2(OPTION) OPTION(2)
#define EACH_4(OPTION) EACH_3(OPTION) OPTION(3)
#define EACH_5(OPTION) EACH_4(OPTION) OPTION(4)
#define EACH_6(OPTION) EACH_5(OPTION) OPTION(5)
#define EACH_7(OPTION) EACH_6(OPTION) OPTION(6)
#define EACH_8(OPTION) EACH_7(OPTION) OPTION(7)
#define EACH__(n, OPTION) EACH_##n(OPTION)
#define EACH_(n, OPTION) EACH__(n, OPTION)
#define EACH(OPTION) EACH_(N, OPTION)

#define BIT(cpu) (1 << (cpu))
#define SET(mask, cpu) mask = mask | BIT(cpu)
#define CLEAR(mask, cpu) mask = mask & ~BIT(cpu)

byte online, mfdm, snp_en;          /* the CPUs that run, and those with these SYSCFG bits */
bit cpu_add_remove_lock;            /* one hotplug operation at a time */
bit sev_cmd_mutex;                  /* one firmware command at a time */
bit readers;                        /* of cpu_hotplug_lock, under sev_cmd_mutex: one at most */
unsigned writer : 2;                /* 0: none, 1: waits for readers, 2: inside */
unsigned hotplug_disabled : 2;      /* how often CPU hotplug is disabled */
bit firmware;                       /* it is up */
bit snp_enabled;                    /* CPUs that come online are to enable SNP as well */

/* In every step that could break it: SNP is up only with hotplug off, and on every CPU. */
#define CHECK assert(!firmware || (hotplug_disabled && !(online & ~snp_en)))

/* An IPI: a CPU that is left, whichever, changes a bit. */
#define IPI_SET_MFDM(cpu) \
    :: d_step { todo & BIT(cpu) -> SET(mfdm, cpu); CLEAR(todo, cpu) }
#define IPI_SET_SNP_EN(cpu) \
    :: d_step { todo & BIT(cpu) -> SET(snp_en, cpu); CLEAR(todo, cpu) }
#define IPI_CLEAR_SNP_EN(cpu) \
    :: d_step { todo & BIT(cpu) -> CLEAR(snp_en, cpu); CLEAR(todo, cpu); CHECK }

inline cpu_hotplug_disable() {
    d_step { !cpu_add_remove_lock -> hotplug_disabled++; assert(hotplug_disabled <= 2) }
}

/* sev_cmd_mutex is held. The firmware's part comes after. */
inline enable_cpus() {
    cpu_hotplug_disable();
    d_step { !writer -> readers = 1; todo = online };
    do
    EACH(IPI_SET_MFDM)
    :: d_step { !todo -> todo = online } -> break
    od;
    do
    EACH(IPI_SET_SNP_EN)
    :: d_step { !todo -> snp_enabled = 1; readers = 0 } -> break
    od
}

/* sev_cmd_mutex is held. The firmware's part came before. */
inline disable_cpus() {
    d_step { !writer -> readers = 1; todo = online };
    do
    EACH(IPI_CLEAR_SNP_EN)
    :: d_step { !todo -> snp_enabled = 0; readers = 0 } -> break
    od
}

active proctype administrator() {
    byte todo;

end_rest:
    if
    :: true -> goto snp_init
    :: true -> goto snp_shutdown
    :: true -> goto hibernate
    fi;

snp_init:
    if
    :: !sev_cmd_mutex && firmware -> goto end_rest
    :: d_step { !sev_cmd_mutex && !firmware -> sev_cmd_mutex = 1 }
    fi;
    enable_cpus();
    if
    :: d_step { firmware = 1; sev_cmd_mutex = 0; CHECK } -> goto end_rest
    :: true -> goto give_back
    fi;

snp_shutdown:
    if
    :: !sev_cmd_mutex && !firmware -> goto end_rest
    :: d_step { !sev_cmd_mutex && firmware -> sev_cmd_mutex = 1 }
    fi;
    if
    :: firmware = 0
    :: sev_cmd_mutex = 0 -> goto end_rest
    fi;
    disable_cpus();

give_back:
    if                              /* since a label cannot stand on a d_step */
    :: d_step { !cpu_add_remove_lock -> hotplug_disabled--; sev_cmd_mutex = 0; CHECK }
    fi;
    goto end_rest;

hibernate:
    cpu_hotplug_disable();
    true;
    d_step { !cpu_add_remove_lock -> hotplug_disabled--; CHECK };
    goto end_rest
}

active proctype ioctl_user() {
    byte todo;

end_rest:
    true;
    if
    :: d_step { !sev_cmd_mutex && firmware -> sev_cmd_mutex = 1 } -> goto command
    :: d_step { !sev_cmd_mutex && !firmware -> sev_cmd_mutex = 1 }
    fi;
    enable_cpus();
    if
    :: d_step { firmware = 1; CHECK }
    :: true -> goto give_back
    fi;
    true;                           /* the command; then SNP goes down again */
    if
    :: firmware = 0
    :: sev_cmd_mutex = 0 -> goto end_rest
    fi;
    disable_cpus();

give_back:
    if                              /* since a label cannot stand on a d_step */
    :: d_step { !cpu_add_remove_lock -> hotplug_disabled--; sev_cmd_mutex = 0; CHECK }
    fi;
    goto end_rest;

command:
    sev_cmd_mutex = 0;
    goto end_rest
}

#define WRITE_ONLINE(number) :: cpu = number

/* The last part of every operation: cpus_write_unlock(), and what was held before it. */
#define DONE writer = 0; cpu_add_remove_lock = 0; cpu = 0

active proctype hotplugger() {
    unsigned cpu : 3;

end_rest:
    if
    EACH(WRITE_ONLINE)
    fi;
    if
    :: d_step { !cpu_add_remove_lock && hotplug_disabled -> cpu = 0 } -> goto end_rest
    :: d_step { !cpu_add_remove_lock && !hotplug_disabled -> cpu_add_remove_lock = 1 }
    fi;
    d_step { !writer -> writer = 1 };
    if
    :: d_step { !readers && !(online & BIT(cpu)) -> writer = 2 }
    :: d_step { !readers && (online & BIT(cpu)) -> writer = 2 } -> goto down
    fi;

    if                              /* INIT/SIPI, which may fail */
    :: d_step { CLEAR(mfdm, cpu); CLEAR(snp_en, cpu); SET(online, cpu); CHECK }
    :: d_step { DONE } -> goto end_rest
    fi;
    if
    :: snp_enabled
    :: d_step { !snp_enabled -> DONE } -> goto end_rest
    fi;
    SET(mfdm, cpu);
    d_step { SET(snp_en, cpu); DONE };
    goto end_rest;

down:
    if
    :: d_step { CLEAR(online, cpu); DONE }
    :: d_step { DONE }
    fi;
    goto end_rest
}
