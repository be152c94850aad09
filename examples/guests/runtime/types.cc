/* The type information of C++ for guests without a C++ library: what clang refers to for types
 * that are thrown. Classes without bases or with one, numbers, and pointers; no other
 * conversion than from a class to its base. The virtual functions stand where cxx.cc looks for
 * can_catch.
 * Source: "Itanium C++ ABI", "Run-Time Type Information" for names and fields. */

namespace std
{

class type_info
{
  public:
    virtual ~type_info();
    virtual const type_info *only_base() const; /* or null */
    virtual void unused() const;
    /* Whether a handler for this type takes an object of that one; *object becomes what it
     * gets. */
    virtual bool can_catch(const type_info *thrown, void **object) const;

    const char *name; /* one for each type of a program */
};

type_info::~type_info()
{
}
void type_info::unused() const
{
}

const type_info *type_info::only_base() const
{
    return nullptr;
}

bool type_info::can_catch(const type_info *thrown, void **) const
{
    for (const type_info *at = thrown; at; at = at->only_base())
        if (at->name == name)
            return true;
    return false;
}

} // namespace std

namespace __cxxabiv1
{

struct __fundamental_type_info : std::type_info {
    ~__fundamental_type_info() override;
};

struct __class_type_info : std::type_info {
    ~__class_type_info() override;
};

/* One base, at the same address. */
struct __si_class_type_info : __class_type_info {
    ~__si_class_type_info() override;
    const std::type_info *only_base() const override;

    const __class_type_info *base;
};

struct __pointer_type_info : std::type_info {
    ~__pointer_type_info() override;
    bool can_catch(const std::type_info *thrown, void **object) const override;
};

__fundamental_type_info::~__fundamental_type_info()
{
}
__class_type_info::~__class_type_info()
{
}
__si_class_type_info::~__si_class_type_info()
{
}
__pointer_type_info::~__pointer_type_info()
{
}

const std::type_info *__si_class_type_info::only_base() const
{
    return base;
}

bool __pointer_type_info::can_catch(const std::type_info *thrown, void **object) const
{
    if (name != thrown->name)
        return false;
    *object = *static_cast<void **>(*object); /* a pointer is caught by its value */
    return true;
}

} // namespace __cxxabiv1

/* For an exception that must not go on, as out of a destructor. */
namespace std
{
[[noreturn]] void terminate() noexcept;

void terminate() noexcept
{
    __builtin_trap();
}
} // namespace std

/* Type information is never deleted. */
void operator delete(void *) noexcept
{
}
void operator delete(void *, unsigned long) noexcept
{
}
