#pragma once
// hiredis names its headers from its own folder; its pkg-config file prints flags that SwiftPM refuses.
#include <hiredis/hiredis.h>
