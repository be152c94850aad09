/* Add the numbers among the arguments; what is none is thrown. */
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

static double number(const std::string &text)
{
    char *end;
    double value = std::strtod(text.c_str(), &end);

    if (text.empty() || *end)
        throw std::invalid_argument(text + " is no number");
    return value;
}

int main(int argc, char **argv)
{
    double sum = 0;

    for (int i = 1; i < argc; i++) {
        try {
            sum += number(argv[i]);
        } catch (const std::invalid_argument &e) {
            std::printf("%s\n", e.what());
        }
    }
    std::printf("%g\n", sum);
    return 0;
}
