/* Exceptions with the C++ standard library, which was built without: its own exception classes,
 * strings as what is thrown, a base at another address, exceptions that are kept. */
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

int alive;

struct guard {
    guard()
    {
        alive++;
    }
    ~guard()
    {
        alive--;
    }
};

struct left {
    virtual ~left() = default;
    int value = 1;
};

struct right {
    virtual ~right() = default;
    int value = 2;
};

struct both : left, right {
    int value = 3;
};

void give(int what)
{
    guard g;

    switch (what) {
    case 0:
        throw 42;
    case 1:
        throw std::runtime_error("runtime");
    case 2:
        throw both();
    case 3:
        throw std::string("a string");
    case 4:
        throw "a literal";
    case 5:
        throw 2.5;
    case 6:
        throw new both;
    default:
        return;
    }
}

std::string outcome(int what)
{
    try {
        guard g;

        try {
            give(what);
        } catch (const std::string &s) {
            return "string: " + s;
        } catch (double) {
            throw;
        }
    } catch (int i) {
        return "int: " + std::to_string(i);
    } catch (const std::exception &e) {
        return std::string("exception: ") + e.what();
    } catch (right &r) {
        return "right: " + std::to_string(r.value);
    } catch (right *r) {
        std::string text = "pointer to right: " + std::to_string(r->value);

        delete r;
        return text;
    } catch (const char *s) {
        return s;
    } catch (...) {
        return "something else";
    }
    return "nothing";
}

void from_a_handler()
{
    try {
        try {
            throw 1;
        } catch (int) {
            try {
                throw;
            } catch (int again) {
                printf("again %d\n", again);
            }
            throw std::logic_error("logic");
        }
    } catch (const std::logic_error &e) {
        printf("%s\n", e.what());
    }
}

int often()
{
    std::map<int, std::vector<std::string>> kept;
    int sum = 0;

    for (int i = 0; i < 2000; i++) {
        try {
            if (i % 3 == 0)
                throw std::out_of_range(std::to_string(i));
            sum++;
        } catch (const std::exception &e) {
            kept[i % 7].push_back(e.what());
        }
    }
    for (const auto &row : kept)
        sum += static_cast<int>(row.second.size()) * row.first;
    return sum;
}

} // namespace

int main()
{
    for (int what = 0; what < 8; what++)
        printf("%d %s\n", what, outcome(what).c_str());
    from_a_handler();
    printf("%d\n", often());
    printf("alive %d, uncaught %d\n", alive, std::uncaught_exceptions());
    return 0;
}
